/** Reads a backup: nothing of it is believed before checksums, encryption and contents say the same. */
import { gunzipSync } from "node:zlib";
import { factsOf } from "./archive";
import { type PulumiPart, sha256 } from "./backup";
import {
    BackupError,
    type Expected,
    factsSchema,
    faultsOf,
    fileOf,
    type HostPart,
    hostParts,
    type Manifest,
    manifestName,
    named,
    newest,
    parseManifest,
    type Part,
    parts,
} from "./manifest";
import { decrypt } from "./processes";
import type { Store } from "./store";

/** The folder that each part is taken from. */
export type Chosen = ReadonlyMap<Part, string>;

export interface Opened {
    readonly folders: Chosen;
    /** One for each folder. */
    readonly manifests: ReadonlyMap<string, Manifest>;
    readonly archives: Readonly<Partial<Record<HostPart, Buffer>>>;
    readonly pulumi?: PulumiPart;
}

/** @returns for each part the backup that is meant: the one given, else the newest of the cluster that has the part */
export async function chosen(
    store: Store,
    cluster: string,
    given: string | undefined,
    wanted: readonly Part[],
): Promise<Chosen> {
    if (given !== undefined) return new Map(wanted.map((part) => [part, given]));
    const names = await store.list();
    const found = wanted.map((part) => [part, newest(names, cluster, part)] as const);
    const missing = found.filter(([, name]) => name === undefined).map(([part]) => part);
    if (missing.length === 0) return new Map(found.map(([part, name]) => [part, name ?? ""]));
    const others = names.filter((name) => named(name) !== undefined && named(name)?.cluster !== cluster);
    throw new BackupError(
        `${store.where} holds no backup of ${cluster}${missing.length < parts.length ? ` with its ${missing.join(", ")}` : ""}${others.length > 0 ? `, but of others: ${others.slice(-3).join(", ")}` : ""}`,
    );
}

/** Folders, each once. */
export const foldersOf = (folders: Chosen): string[] => [...new Set(folders.values())];

/** Manifest and sealed files, whole and unharmed. Needs no key. */
export async function readSealed(
    store: Store,
    folder: string,
): Promise<{ manifest: Manifest; files: Readonly<Partial<Record<Part, Buffer>>> }> {
    const where = `${store.where}/${folder}`;
    const manifest = parseManifest((await store.read(folder, manifestName)).toString(), `${where}/${manifestName}`);
    const files: Partial<Record<Part, Buffer>> = {};
    for (const part of Object.keys(manifest.parts) as Part[]) {
        const file = await store.read(folder, fileOf(part));
        const wanted = manifest.parts[part];
        if (sha256(file) !== wanted?.sha256) {
            throw new BackupError(
                `${where}/${fileOf(part)} is damaged: ${file.length} bytes, ${wanted?.bytes ?? 0} were written, and its checksum is another`,
            );
        }
        files[part] = file;
    }
    return { manifest, files };
}

/** @throws BackupError with every reason against the backups */
export async function open(store: Store, folders: Chosen, identity: string, expected: Expected): Promise<Opened> {
    const manifests = new Map<string, Manifest>();
    const archives: Partial<Record<HostPart, Buffer>> = {};
    let pulumi: PulumiPart | undefined;
    for (const folder of foldersOf(folders)) {
        const { manifest, files } = await readSealed(store, folder);
        manifests.set(folder, manifest);
        const wanted = [...folders].flatMap(([part, from]) => (from === folder ? [part] : []));
        const faults = faultsOf(manifest, wanted, expected);
        if (faults.length > 0) throw new BackupError(`${folder} is not used: ${faults.join("; ")}`);
        for (const part of hostParts) {
            const file = files[part];
            if (file === undefined) continue;
            const archive = await decrypt(identity, file, `${folder}/${fileOf(part)}`);
            same(manifest, part, factsOf(archive, part));
            if (wanted.includes(part)) archives[part] = archive;
        }
        if (files.pulumi === undefined) continue;
        const plain = gunzipSync(await decrypt(identity, files.pulumi, `${folder}/${fileOf("pulumi")}`));
        const inside = JSON.parse(plain.toString()) as PulumiPart;
        same(manifest, "pulumi", inside.facts);
        if (wanted.includes("pulumi")) pulumi = inside;
    }
    return { folders, manifests, archives, ...(pulumi === undefined ? {} : { pulumi }) };
}

/** A manifest can be written by anybody, what age has sealed cannot be altered: the two must agree. */
function same(manifest: Manifest, part: Part, inside: unknown): void {
    const facts = factsSchema.parse(inside);
    if (JSON.stringify(factsSchema.parse(manifest.parts[part]?.facts)) !== JSON.stringify(facts)) {
        throw new BackupError(
            `the ${part} part is another one than the manifest says: files of several backups have been mixed`,
        );
    }
}
