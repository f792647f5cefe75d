/** One test tier as a jest project. */
const transform = {
    "\\.(j2|py)$": "<rootDir>/tests/j2-transform.js",
    "^.+\\.ts$": [
        "@swc/jest",
        { jsc: { target: "es2022", parser: { syntax: "typescript" } }, module: { type: "commonjs" } },
    ],
};

module.exports.tier = (name) => ({
    displayName: name,
    testEnvironment: "node",
    transform,
    testMatch: [`<rootDir>/tests/${name}/**/*.test.ts`],
});
