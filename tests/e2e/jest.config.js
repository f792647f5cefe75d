const { tier } = require("../tier.js");
const longSuites = require("./longSuites.js");

module.exports = {
    ...tier("e2e"),
    rootDir: "../..",
    testTimeout: 600_000,
    testPathIgnorePatterns: ["/node_modules/", `/e2e/(${longSuites.join("|")})\\.test`],
    globalSetup: "<rootDir>/tests/e2e/support/globalSetup.ts",
    globalTeardown: "<rootDir>/tests/e2e/support/globalTeardown.ts",
};
