/** The worker packages of declared sessions: read where they lie, and again when they change. */
import { readFileSync, statSync } from "node:fs";
import { dirname } from "node:path";
import type { SessionSpec } from "./config";
import { BadPackage, digestOf, type Session, sessionOf, withSetting } from "./workerPackage";

/** Between two looks at a URL. */
const LOOK_EVERY_MS = 30_000;
const TIMEOUT_MS = 30_000;
const MAX_BYTES = 64 * 1024 * 1024;

/** A package that agents can have. */
export interface Ready {
    readonly session: Session;
    /** With what this site adds. */
    readonly data: Buffer;
    readonly digest: string;
    /** Short, for task ids; it tells nothing of the session. */
    readonly generation: string;
}

/** @throws {BadPackage} */
export function ready(data: Buffer, { commander, environment }: SessionSpec): Ready {
    const session = sessionOf(data);
    const whole = withSetting(data, { commander, environment });
    const digest = digestOf(whole);
    // Packing is not the same to the byte everywhere: agents stay as long as what was given and what is asked stay.
    const given = digestOf(Buffer.from(JSON.stringify([digestOf(data), commander ?? "", environment])));
    return { session, data: whole, digest, generation: given.slice(0, 10) };
}

/**
 * Why a package cannot be used, and what to do about it.
 * @param user of this process
 */
export function troubleWith(place: string, error: NodeJS.ErrnoException, user: string): string {
    switch (error.code) {
        case "ENOENT":
        case "ENOTDIR":
            return `there is no ${place}`;
        case "EACCES":
        case "EPERM":
            return error.syscall === "stat"
                ? `the framework's user ${user} may not look into ${dirname(place)}: let it (mode 0711 is enough, of each folder above too)`
                : `the framework's user ${user} may not read ${place}: chown ${user} and chmod 0600 it`;
        case "EISDIR":
            return `${place} is a folder, the worker package in it is wanted`;
        default:
            return error.message;
    }
}

interface Held {
    readonly stamp: string;
    readonly at: number;
    readonly ready: Ready;
}

export class Packages {
    private readonly held = new Map<string, Held>();

    /** @throws when there is none that can be used; what was read before stays as long as it cannot be read anew */
    public async look(name: string, place: string, spec: SessionSpec, nowMs: number): Promise<Ready> {
        const known = this.held.get(name);
        const setting = JSON.stringify([place, spec.commander, spec.environment]);
        if (place.startsWith("/")) {
            const { mtimeMs, size, ino } = statSync(place);
            const stamp = `${setting} ${mtimeMs} ${size} ${ino}`;
            return known?.stamp === stamp ? known.ready : this.keep(name, stamp, readFileSync(place), spec, nowMs);
        }
        if (known?.stamp === setting && nowMs - known.at < LOOK_EVERY_MS) {
            return known.ready;
        }
        return this.keep(name, setting, await download(place), spec, nowMs);
    }

    private keep(name: string, stamp: string, data: Buffer, spec: SessionSpec, nowMs: number): Ready {
        const one = ready(data, spec);
        this.held.set(name, { stamp, at: nowMs, ready: one });
        return one;
    }
}

async function download(url: string): Promise<Buffer> {
    const answer = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) }).catch((error: unknown) => {
        throw new BadPackage(`it cannot be had: ${String((error as Error).cause ?? error)}`);
    });
    if (!answer.ok) {
        throw new BadPackage(`it cannot be had: the server answers ${answer.status}`);
    }
    const data = Buffer.from(await answer.arrayBuffer());
    if (data.length > MAX_BYTES) {
        throw new BadPackage(`${data.length} bytes are too much for a worker package`);
    }
    return data;
}
