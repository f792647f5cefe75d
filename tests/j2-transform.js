/** Jest: a `.j2` file is a module whose default export is its text, as in the bundle. */
module.exports = {
    process: (text) => ({ code: `module.exports = { __esModule: true, default: ${JSON.stringify(text)} };` }),
};
