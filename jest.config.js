/** The fast tiers. The engine and end-to-end tiers have configurations of their own: tests/run.mjs says which can run here. */
const { tier } = require("./tests/tier.js");

module.exports = { projects: ["unit", "golden", "graph", "contract"].map(tier) };
