const { tier } = require("../../jest.config.js");

module.exports = { ...tier("e2e"), rootDir: "../..", testTimeout: 900_000 };
