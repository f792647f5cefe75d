/** What must hold before a campaign begins. */
import { X509Certificate } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { statfs } from "node:fs/promises";
import type { Work } from "./declaration";

const MIB = 1024 * 1024;
const DAY_MS = 86_400_000;

/** Days until the earliest end of a PEM file's certificates: of a proxy, its own and those that it rests on. */
export function daysLeft(pem: string, nowMs: number): number {
    const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
    if (blocks.length === 0) {
        throw new Error("there is no certificate in it");
    }
    return Math.min(...blocks.map((block) => (Date.parse(new X509Certificate(block).validTo) - nowMs) / DAY_MS));
}

/** @returns what is wrong, a line each; paths that are missing first: they may still come */
export async function check(
    { files, requires, ...work }: Work,
    dir: string,
    nowMs = Date.now(),
): Promise<{ missing: string[]; faults: string[] }> {
    const wanted = [...requires.paths, ...files, ...(work.kind === "validation" ? work.inputs : [])];
    const missing = wanted.filter((path) => !existsSync(path)).map((path) => `${path} is not there`);
    const faults: string[] = [];
    const { bavail, bsize, ffree, files: inodes } = await statfs(dir);
    const freeMiB = Math.floor((bavail * bsize) / MIB);
    if (freeMiB < requires.freeMiB) {
        faults.push(`${dir} has ${freeMiB} MiB free; ${requires.freeMiB} MiB are asked for`);
    }
    // Some file systems make inodes as they need them, and count none.
    if (inodes > 0 && ffree < requires.freeInodes) {
        faults.push(`${dir} has room for ${ffree} more files; ${requires.freeInodes} are asked for`);
    }
    const { credential } = requires;
    if (credential !== undefined) {
        try {
            const days = daysLeft(readFileSync(credential.file, "utf8"), nowMs);
            if (days < credential.days) {
                faults.push(
                    `${credential.file} ${days < 0 ? "has run out" : `is valid for ${days.toFixed(1)} days only`}; ${credential.days} days are asked for`,
                );
            }
        } catch (error) {
            faults.push(`${credential.file} cannot be read as a certificate: ${(error as Error).message}`);
        }
    }
    return { missing, faults };
}
