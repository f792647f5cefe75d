const { tier } = require("../tier.js");

module.exports = {
    ...tier("openstack"),
    rootDir: "../..",
    testTimeout: 1_200_000,
    globalSetup: "<rootDir>/tests/openstack/support/globalSetup.ts",
    globalTeardown: "<rootDir>/tests/e2e/support/globalTeardown.ts",
};
