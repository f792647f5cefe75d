const { tier } = require("../tier.js");

module.exports = { ...tier("e2e"), rootDir: "../..", testTimeout: 900_000 };
