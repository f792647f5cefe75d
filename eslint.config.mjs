import js from "@eslint/js";
import jsdoc from "eslint-plugin-jsdoc";
import tseslint from "typescript-eslint";

export default tseslint.config(
    { ignores: ["bin/", "node_modules/", "schema/"] },
    js.configs.recommended,
    {
        files: ["**/*.ts"],
        extends: [tseslint.configs.strictTypeChecked, jsdoc.configs["flat/contents-typescript-error"]],
        languageOptions: { parserOptions: { projectService: true } },
        rules: {
            "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true, allowBoolean: true }],
            "@typescript-eslint/no-confusing-void-expression": "off",
            "@typescript-eslint/naming-convention": [
                "error",
                { selector: "typeLike", format: ["PascalCase"] },
                { selector: ["function", "parameter"], format: ["camelCase"], leadingUnderscore: "allow" },
            ],
            "jsdoc/informative-docs": "off",
            "jsdoc/match-description": "off",
        },
    },
    {
        files: ["**/*.js", "**/*.cjs"],
        languageOptions: {
            sourceType: "commonjs",
            globals: {
                require: "readonly",
                module: "writable",
                process: "readonly",
                setInterval: "readonly",
                __dirname: "readonly",
            },
        },
    },
    {
        files: ["**/*.mjs"],
        languageOptions: {
            globals: {
                process: "readonly",
                console: "readonly",
                setTimeout: "readonly",
                clearTimeout: "readonly",
                fetch: "readonly",
                Buffer: "readonly",
                URL: "readonly",
                AbortSignal: "readonly",
                AbortController: "readonly",
                setInterval: "readonly",
                clearInterval: "readonly",
                performance: "readonly",
            },
        },
    },
);
