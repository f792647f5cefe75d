/**
 * Brings a site back: puts data where services that do not run yet will find it, then lets `pulumi up` do what it always does. So
 * there is one order of things, one set of health gates, and nothing that only a disaster would try out.
 */
import { createConnection } from "node:net";
import { factsOf } from "./archive";
import { decide, type Decision, type Look } from "./decide";
import type { Engine, State } from "./engine";
import { control, done, look, pack, seed } from "./hosts";
import { BackupError, type Expected, type Facts, hostParts, type HostPart, type Part } from "./manifest";
import { type Opened } from "./open";
import { sha256, wordsOf } from "./backup";
import { type Member, type RescueSite, titleOf } from "./site";
import { forgetMasters, giveUpLost, settle } from "./settle";
import type { Steps } from "./steps";

export interface RestoreOptions {
    /** Reads the backup that is meant, wanting these parts of it. */
    readonly open: (wanted: readonly Part[]) => Promise<Opened>;
    /** Host whose own data is used for what has lost its quorum, instead of a backup's. */
    readonly survivor?: string | undefined;
    readonly replace: boolean;
    /** Only tell what would be done. */
    readonly check: boolean;
}

/** What is put in place of one part. */
interface Copy {
    readonly id: string;
    readonly archive: Buffer;
    readonly facts: Facts;
}

/** How long a host may take to answer at all, milliseconds. */
const PROBE_MS = 3000;

async function survivorCopy(part: HostPart, members: readonly Member[], name: string): Promise<Copy> {
    const member = members.find(({ host }) => host === name);
    if (member === undefined) throw new BackupError(`${name} is no host of ${titleOf(part)}`);
    const archive = await pack(member, true);
    const facts = factsOf(archive, part);
    return { archive, facts, id: `${name}:${sha256(JSON.stringify({ ...facts, time: 0 })).slice(0, 16)}` };
}

/** A dead host must not hold up the others: the engine would wait for its answer and then give up altogether. */
function answers(address: string, port: number): Promise<boolean> {
    return new Promise((resolve) => {
        const socket = createConnection({ host: address, port, timeout: PROBE_MS });
        const end = (value: boolean): void => {
            socket.destroy();
            resolve(value);
        };
        socket.on("connect", () => end(true));
        socket.on("error", () => end(false));
        socket.on("timeout", () => end(false));
    });
}

interface HostConfigInputs {
    readonly connection?: { readonly address?: string; readonly port?: number; readonly proxyJump?: string };
}

/** The services' resources whose hosts can be asked. */
async function reachable(state: State): Promise<{ urns: string[]; away: string[] }> {
    const services = state.resources.filter(({ type }) => type === "mesos:index:HostConfig");
    const up = await Promise.all(
        services.map(async ({ inputs }) => {
            const { address = "", port = 22, proxyJump } = (inputs as HostConfigInputs | undefined)?.connection ?? {};
            return proxyJump !== undefined || (await answers(address, port));
        }),
    );
    const of = (value: boolean): string[] => services.filter((_, index) => up[index] === value).map(({ urn }) => urn);
    return { urns: of(true), away: of(false).map((urn) => urn.split("::").at(-1) ?? urn) };
}

interface Chosen {
    readonly decisions: ReadonlyMap<HostPart, Decision>;
    readonly copies: ReadonlyMap<HostPart, Copy>;
    readonly opened: Opened | undefined;
    readonly state: State | undefined;
    /** A restore before this one has put a registry back and not come to its end. */
    readonly unfinished: boolean;
}

/** Looks at everything, and refuses before anything is touched. */
async function choose(site: RescueSite, engine: Engine, steps: Steps, options: RestoreOptions): Promise<Chosen> {
    const { survivor, replace } = options;
    const wish = { survivor, replace, cluster: site.plan.cluster };
    const state = await steps.step(
        "Pulumi's state",
        () => engine.state(),
        (found) => (found === undefined ? "none" : `${found.resources.length} resources`),
    );
    const given = site.plan.secrets.filter((secret) => secret.given === true).map(({ name }) => name);
    const missing = await engine.missing(given);
    if (missing.length > 0) throw new BackupError(`nothing was touched: ${missing.join("\n  ")}`);
    const used = hostParts.filter((part) => site.members[part].length > 0);
    const looks = await steps.step("hosts looked at", async () => {
        const found = await Promise.all(
            used.map(async (part) => {
                const list = await Promise.all(
                    site.members[part].map(async (one): Promise<[string, Look]> => [one.host, await look(one)]),
                );
                return [part, new Map(list)] as const;
            }),
        );
        return new Map(found);
    });
    const first = used.map((part): [HostPart, Decision] => [
        part,
        decide(part, looks.get(part) ?? new Map<string, Look>(), { ...wish, id: "" }),
    ]);
    const lost = first.filter(([, { action }]) => action !== "leave").map(([part]) => part);
    const fromBackup: Part[] = [
        ...(survivor === undefined ? lost : []),
        ...(state === undefined ? (["pulumi"] as const) : []),
    ];
    const opened =
        fromBackup.length === 0
            ? undefined
            : await steps.step(
                  "backup opened and checked",
                  () => options.open(fromBackup),
                  ({ manifests }) => [...manifests].map(([folder, { time }]) => `${folder} of ${time}`).join(", "),
              );
    const copies = new Map<HostPart, Copy>();
    for (const part of lost) {
        if (survivor !== undefined) {
            copies.set(
                part,
                await steps.step(
                    `${part}: copied from ${survivor} and checked`,
                    () => survivorCopy(part, site.members[part], survivor),
                    (copy) => wordsOf(copy.facts),
                ),
            );
            continue;
        }
        const archive = opened?.archives[part];
        if (opened === undefined || archive === undefined)
            throw new BackupError(`there is no copy of ${titleOf(part)}`);
        copies.set(part, { id: opened.folders.get(part) ?? "", archive, facts: factsOf(archive, part) });
    }
    // Again with the copies' ids: what an earlier, unfinished restore has put there is no obstacle.
    const decisions = new Map(
        used.map((part): [HostPart, Decision] => [
            part,
            decide(part, looks.get(part) ?? new Map<string, Look>(), { ...wish, id: copies.get(part)?.id ?? "" }),
        ]),
    );
    const reasons = [...decisions.values()].flatMap((one) => (one.action === "refuse" ? one.reasons : []));
    if (reasons.length > 0) throw new BackupError(`nothing was touched: ${[...new Set(reasons)].join("\n")}`);
    const unfinished = [...(looks.get("registry")?.values() ?? [])].some(
        (one) => "restored" in one && one.restored !== "",
    );
    return { decisions, copies, opened, state, unfinished };
}

/** Puts copies where services that do not run yet will find them. */
async function putBack(
    { members }: RescueSite,
    steps: Steps,
    { decisions, copies }: Chosen,
    replace: boolean,
): Promise<void> {
    // Those that are left, too: all masters find their leader together, when ZooKeeper knows none of before.
    await Promise.all(
        members.registry.map((one) =>
            control("stop", one).catch((error: unknown) => steps.say((error as Error).message)),
        ),
    );
    for (const [part, decision] of decisions) {
        const copy = copies.get(part);
        if (decision.action !== "seed" || copy === undefined) continue;
        const hosts = members[part].filter(({ host }) => decision.hosts.includes(host));
        await steps.step(
            `${part}: put back`,
            () => Promise.all(hosts.map((host) => seed(host, copy.archive, { id: copy.id, replace }))),
            () => `on ${hosts.map(({ host }) => host).join(", ")}`,
        );
    }
}

/** @returns false when the site is back but for something that the last lines name */
export async function restore(
    site: RescueSite,
    engine: Engine,
    steps: Steps,
    options: RestoreOptions,
): Promise<boolean> {
    const all = await choose(site, engine, steps, options);
    const { decisions, opened, copies } = all;
    for (const [part, decision] of decisions) {
        if (decision.action === "leave") steps.say(`${part}: left alone, ${decision.reason}`);
        if (decision.action === "seed")
            steps.say(`${part}: ${wordsOf((copies.get(part) as Copy).facts)}; to ${decision.hosts.join(", ")}`);
    }
    if (options.check) {
        steps.say("nothing was touched: --check");
        return true;
    }
    let { state } = all;
    if (state === undefined) {
        const text = opened?.pulumi?.state ?? "";
        state = await steps.step("Pulumi's state: imported", async () => {
            await engine.importState(text);
            return engine.state();
        });
    }
    if (state === undefined) throw new BackupError("the stack has no state, although one was imported");
    await bringUp(site, engine, steps, all, { state, replace: options.replace });
    const registry = copies.get("registry")?.facts;
    const problems = await settle(site, engine, steps, registry?.part === "registry" ? registry : undefined);
    for (const problem of problems) steps.say(`NOT WELL: ${problem}`);
    if (problems.length > 0) return false;
    await Promise.all(hostParts.flatMap((part) => site.members[part].map((one) => done(one).catch(() => undefined))));
    return true;
}

async function bringUp(
    site: RescueSite,
    engine: Engine,
    steps: Steps,
    chosen: Chosen,
    { state, replace }: { readonly state: State; readonly replace: boolean },
): Promise<void> {
    const seeds = chosen.copies.size > 0;
    if (seeds) await putBack(site, steps, chosen, replace);
    const { urns, away } = await reachable(state);
    if (away.length > 0) steps.say(`out of reach, left for later: ${away.join(", ")}`);
    await steps.step("services looked at", () => engine.refresh(urns));
    const told = (changed: number): string => `${changed} resources changed`;
    const upOf = (kind: string): Promise<number> => {
        const targets = urns.filter((urn) => urn.includes(`::${kind}-`)).flatMap((urn) => ["--target", urn]);
        return targets.length === 0 ? Promise.resolve(0) : engine.up(true, ...targets);
    };
    if (seeds) {
        await steps.step("ZooKeeper", () => upOf("zookeeper"), told);
        await steps.step("masters of before forgotten", () => forgetMasters(site, engine));
        await steps.step("masters", () => upOf("master"), told);
    }
    if (chosen.copies.has("registry") || chosen.unfinished) {
        await steps.step(
            "agents that are lost",
            () => giveUpLost(site, engine),
            (lost) => (lost.length === 0 ? "none" : `given up: ${lost.join(", ")}`),
        );
    }
    await steps.step("everything else", () => engine.up(true), told);
}

/** What a backup must be for this site. */
export function expectedOf(site: RescueSite, acceptOld: boolean, now = new Date()): Expected {
    return {
        cluster: site.plan.cluster,
        maxAgeHours: site.site.backup?.maxAgeHours ?? 48,
        acceptOld,
        now,
        paths: site.paths,
    };
}
