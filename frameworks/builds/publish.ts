/**
 * From what a builder has left to the store, in aliBuild's own layout (1.17, `RsyncRemoteSync`). A package is there for others
 * when its link is, so links come last, and a step that was made before a power cut is not made again.
 */
import {
    closeSync,
    existsSync,
    fsyncSync,
    lstatSync,
    mkdirSync,
    openSync,
    readlinkSync,
    renameSync,
    symlinkSync,
} from "node:fs";
import { dirname, join, posix } from "node:path";
import { digestOf, writeText } from "../shared/files";
import type { Package, Result } from "./runs";

type Named = Pick<Package, "name" | "version" | "revision">;

export const tarballName = ({ name, version, revision }: Named, architecture: string): string =>
    `${name}-${version}-${revision}.${architecture}.tar.gz`;

/** Below `TARS/ARCHITECTURE/store`, and below a run's `tars`. */
export const tarballPath = (one: Package, architecture: string): string =>
    `${one.hash.slice(0, 2)}/${one.hash}/${tarballName(one, architecture)}`;

const linkPath = (one: Package, architecture: string): string =>
    `TARS/${architecture}/${one.name}/${tarballName(one, architecture)}`;

const linkTarget = (one: Package, architecture: string): string =>
    `../../${architecture}/store/${tarballPath(one, architecture)}`;

function targetOf(path: string): string | undefined {
    try {
        return readlinkSync(path);
    } catch {
        return undefined;
    }
}

function isFile(path: string): boolean {
    return lstatSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

/** A list may name packages of its own architecture, and nothing else. */
function isList([path, target]: readonly [string, string], architecture: string): boolean {
    const top = `TARS/${architecture}/`;
    const [kind = "", ...rest] = path.startsWith(top) ? path.slice(top.length).split("/") : [];
    return (
        /^dist(-direct|-runtime)?$/.test(kind) &&
        rest.length === 3 &&
        [...rest, ...target.split("/")].every((part) => part === ".." || /^[A-Za-z0-9][A-Za-z0-9._+~-]*$/.test(part)) &&
        !rest.includes("..") &&
        posix.join(posix.dirname(path), target).startsWith(`${top}store/`)
    );
}

/** Why a run's packages cannot be published. */
export interface Refusal {
    readonly message: string;
    /** Built again at once it may go well: others were faster. */
    readonly again: boolean;
}

/**
 * Looks at everything before anything is touched.
 * @param folder where the run has left its tarballs
 */
export async function refusalOf(result: Result, folder: string, store: string): Promise<Refusal | undefined> {
    const { architecture, packages, lists } = result;
    const stray = Object.entries(lists).find((list) => !isList(list, architecture));
    if (stray !== undefined) return { message: `the list ${stray[0]} is none of aliBuild's`, again: false };
    for (const one of packages) {
        const name = tarballName(one, architecture);
        const present = targetOf(join(store, linkPath(one, architecture)));
        if (present === linkTarget(one, architecture)) continue;
        if (present !== undefined)
            return { message: `another build has published a ${name} of its own meanwhile`, again: true };
        if (one.reused) return { message: `${name} has gone from the store while it was used`, again: true };
        const at = join(folder, "tars", tarballPath(one, architecture));
        if (!isFile(at)) return { message: `the tarball ${name} has not come`, again: false };
        if ((await digestOf(at)) !== one.sha256)
            return { message: `the tarball ${name} is not what was built`, again: false };
    }
    return undefined;
}

/** Written for good, not only to the memory of the machine. */
function sync(path: string): void {
    const file = openSync(path, "r");
    try {
        fsyncSync(file);
    } finally {
        closeSync(file);
    }
}

function linkTo(path: string, target: string): void {
    if (targetOf(path) !== undefined) return;
    mkdirSync(dirname(path), { recursive: true });
    symlinkSync(target, path);
}

/** Publishes what {@link refusalOf} has nothing against; done again after a stop in the middle, it goes on from there. */
export function publish(result: Result, folder: string, store: string): void {
    const { architecture, packages, lists, build, run } = result;
    for (const one of packages) {
        const from = join(folder, "tars", tarballPath(one, architecture));
        const to = join(store, "TARS", architecture, "store", tarballPath(one, architecture));
        if (existsSync(to) || !isFile(from)) continue;
        mkdirSync(dirname(to), { recursive: true });
        sync(from);
        renameSync(from, to);
        sync(dirname(to));
    }
    for (const [path, target] of Object.entries(lists)) linkTo(join(store, path), target);
    for (const one of packages) linkTo(join(store, linkPath(one, architecture)), linkTarget(one, architecture));
    const releases = join(store, "releases", build);
    mkdirSync(releases, { recursive: true });
    const { startedAt, endedAt, recipes, host } = result;
    const text = `${JSON.stringify(
        {
            ...{ build, run, architecture, host, recipes, startedAt, endedAt },
            packages: packages.map((one) => ({
                ...{ name: one.name, version: one.version, revision: one.revision, hash: one.hash, sha256: one.sha256 },
                tarball: `TARS/${architecture}/store/${tarballPath(one, architecture)}`,
            })),
        },
        undefined,
        2,
    )}\n`;
    writeText(join(releases, `${run}.json`), text);
    writeText(join(releases, "latest.json"), text);
}
