/** Makes a backup: it is published only after a real ZooKeeper and a real master were started over what it holds. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { factsOf } from "./archive";
import type { Engine } from "./engine";
import { look, pack } from "./hosts";
import {
    BackupError,
    type Facts,
    fileOf,
    folderOf,
    hostParts,
    type HostPart,
    type Manifest,
    manifestName,
    outdated,
    type Part,
} from "./manifest";
import { encrypt } from "./processes";
import { declaredBackup, type Member, type RescueSite, titleOf } from "./site";
import type { Steps } from "./steps";
import type { Store } from "./store";

/** What the `pulumi` part holds. */
export interface PulumiPart {
    readonly facts: Extract<Facts, { part: "pulumi" }>;
    /** As `pulumi stack export` wrote it: secrets are encrypted for the stack's own passphrase or key service. */
    readonly state: string;
    readonly stackFile: string;
}

export const sha256 = (data: Buffer | string): string => createHash("sha256").update(data).digest("hex");

async function leaderOf(part: HostPart, members: readonly Member[]): Promise<Member> {
    const looks = await Promise.all(members.map(look));
    const leader = members.find((_, index) => {
        const one = looks[index];
        return one !== undefined && "leads" in one && one.leads;
    });
    if (leader !== undefined) return leader;
    const why = looks.flatMap((one) => ("error" in one ? [`\n  ${one.error}`] : [])).join("");
    throw new BackupError(`${titleOf(part)}: no host leads, so there is nothing whole to copy${why}`);
}

interface Sealed {
    readonly part: Part;
    readonly file: Buffer;
    readonly host?: string;
    readonly facts: Facts;
}

async function hostPart(part: HostPart, site: RescueSite, recipients: readonly string[]): Promise<Sealed> {
    const leader = await leaderOf(part, site.members[part]);
    const archive = await pack(leader);
    return { part, file: await encrypt(recipients, archive), host: leader.host, facts: factsOf(archive, part) };
}

async function pulumiPart(site: RescueSite, engine: Engine, recipients: readonly string[]): Promise<Sealed> {
    const state = await engine.state();
    if (state === undefined) throw new BackupError(`the stack ${site.stack} holds nothing yet: run pulumi up first`);
    const content: PulumiPart = {
        facts: {
            part: "pulumi",
            cluster: site.plan.cluster,
            time: Math.floor(Date.now() / 1000),
            stack: site.stack,
            resources: state.resources.length,
        },
        state: state.text,
        stackFile: readFileSync(site.file, "utf8"),
    };
    const file = await encrypt(recipients, gzipSync(JSON.stringify(content)));
    return { part: "pulumi", file, facts: content.facts };
}

export function wordsOf(facts: Facts): string {
    switch (facts.part) {
        case "zookeeper":
            return `${facts.nodes} nodes up to ${facts.zxid}: ${facts.top.map((name) => `/${name}`).join(" ")}`;
        case "registry":
            return `${facts.agents.length} agents, quotas of ${facts.quotas.length} roles, weights of ${Object.keys(facts.weights).length}, ${facts.windows} maintenance windows`;
        case "pulumi":
            return `stack ${facts.stack}, ${facts.resources} resources`;
    }
}

/** @returns the name of the new backup */
export async function backup(site: RescueSite, store: Store, engine: Engine, steps: Steps): Promise<string> {
    const { recipients, keep } = declaredBackup(site);
    const { cluster } = site.plan;
    const now = new Date();
    const told = ({ facts, host, file }: Sealed): string =>
        `${wordsOf(facts)}${host === undefined ? "" : `, from ${host}`}, ${Math.ceil(file.length / 1024)} KiB`;
    const sealed = await Promise.all([
        ...hostParts
            .filter((part) => site.members[part].length > 0)
            .map((part) => steps.step(`${part}: copied and checked`, () => hostPart(part, site, recipients), told)),
        steps.step("pulumi: exported", () => pulumiPart(site, engine, recipients), told),
    ]);
    const manifest: Manifest = {
        format: 1,
        cluster,
        time: now.toISOString(),
        recipients: [...recipients],
        parts: Object.fromEntries(
            sealed.map(({ part, file, host, facts }) => [
                part,
                { sha256: sha256(file), bytes: file.length, ...(host !== undefined && { host }), facts },
            ]),
        ),
    };
    const folder = folderOf(cluster, now);
    await steps.step(
        "kept",
        async () => {
            const files = Object.fromEntries(sealed.map(({ part, file }) => [fileOf(part), file]));
            const text = Buffer.from(`${JSON.stringify(manifest, undefined, 2)}\n`);
            await store.publish(folder, { ...files, [manifestName]: text });
            // As it will be read one day.
            for (const { part, file } of sealed) {
                if (sha256(await store.read(folder, fileOf(part))) !== sha256(file)) {
                    throw new BackupError(
                        `${store.where}/${folder}/${fileOf(part)} is not what was written: is the disk sound?`,
                    );
                }
            }
        },
        () => `${store.where}/${folder}`,
    );
    for (const old of outdated(await store.list(), cluster, keep)) {
        await store.remove(old);
        steps.say(`removed ${old}: ${keep} are kept`);
    }
    return folder;
}
