/** Files that are written whole, and their digests. */
import { createHash } from "node:crypto";
import { createReadStream, existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { pipeline } from "node:stream/promises";

/** Written whole or not at all, and only when it is another text: makeflow takes a newer file for a changed one. */
export function writeText(path: string, text: string): void {
    if (existsSync(path) && readFileSync(path, "utf8") === text) {
        return;
    }
    writeFileSync(`${path}.new`, text);
    renameSync(`${path}.new`, path);
}

/** SHA-256, as hexadecimal digits. */
export async function digestOf(path: string): Promise<string> {
    const hash = createHash("sha256");
    await pipeline(createReadStream(path), hash);
    return hash.digest("hex");
}
