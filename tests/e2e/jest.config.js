const { tier } = require("../tier.js");

module.exports = {
    ...tier("e2e"),
    rootDir: "../..",
    testTimeout: 600_000,
    globalSetup: "<rootDir>/tests/e2e/support/globalSetup.ts",
    globalTeardown: "<rootDir>/tests/e2e/support/globalTeardown.ts",
};
