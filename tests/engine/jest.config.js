const { tier } = require("../../jest.config.js");

module.exports = { ...tier("engine"), rootDir: "../..", testTimeout: 900_000 };
