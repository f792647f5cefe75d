/** The little of tar that is needed here: the first member of a part, which tells what was found in it. */
import { constants, gunzipSync } from "node:zlib";
import { BackupError, type Facts, factsSchema, type Part } from "./manifest";

const BLOCK = 512;
/** How much is unpacked to find the facts: those of thousands of agents are long, and what follows may be gigabytes of zeros. */
const HEADS = [16 * 1024, 256 * 1024, 4 * 1024 * 1024];

/** @throws BackupError when it does not begin with `part.json` */
export function factsOf(archive: Buffer, part: Part): Facts {
    try {
        for (const length of HEADS) {
            const head = gunzipSync(archive.subarray(0, length), { finishFlush: constants.Z_SYNC_FLUSH });
            const name = head.toString("latin1", 0, 100).replace(/\0.*$/s, "");
            const size = Number.parseInt(head.toString("latin1", 124, 136), 8);
            if (name !== "part.json" || !(size > 0)) break;
            if (head.length >= BLOCK + size) return parseFacts(head.toString("utf8", BLOCK, BLOCK + size), part);
        }
    } catch (error) {
        throw new BackupError(`the ${part} part is damaged: ${(error as Error).message}`);
    }
    throw new BackupError(`the ${part} part is damaged: it does not begin as one`);
}

export function parseFacts(text: string, part: Part): Facts {
    const parsed = factsSchema.safeParse(JSON.parse(text));
    if (!parsed.success || parsed.data.part !== part)
        throw new BackupError(`the ${part} part does not tell what it is`);
    return parsed.data;
}
