const longSuites = require("./longSuites.js");

/** One alone: `npx jest --config tests/e2e/long.config.js --runInBand rescue`. */
module.exports = {
    ...require("./jest.config.js"),
    displayName: "long",
    testMatch: longSuites.map((name) => `<rootDir>/tests/e2e/${name}.test.ts`),
    testPathIgnorePatterns: ["/node_modules/"],
};
