const { tier } = require("../tier.js");

module.exports = { ...tier("engine"), rootDir: "../..", testTimeout: 900_000 };
