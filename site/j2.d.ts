declare module "*.j2" {
    /** The template's text: esbuild and jest load `.j2` files as strings. */
    const text: string;
    export default text;
}

declare module "*.py" {
    /** The program's text, in the same way. */
    const text: string;
    export default text;
}
