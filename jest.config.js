/** The fast tiers. The engine and end-to-end tiers have projects of their own: tests/run.mjs says which can run here. */
const common = {
    testEnvironment: "node",
    transform: {
        "\\.j2$": "<rootDir>/tests/j2-transform.js",
        "^.+\\.ts$": [
            "@swc/jest",
            { jsc: { target: "es2022", parser: { syntax: "typescript" } }, module: { type: "commonjs" } },
        ],
    },
};
const tier = (name) => ({ ...common, displayName: name, testMatch: [`<rootDir>/tests/${name}/**/*.test.ts`] });
module.exports = { projects: ["unit", "golden", "graph"].map(tier), tier };
