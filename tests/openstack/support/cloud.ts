/** The lab's OpenStack from outside: what its projects hold, and what happens to it behind Pulumi's back. */
import { join } from "node:path";
import { ROOT } from "../../e2e/support/places";
import { must } from "../../e2e/support/processes";
import { tell } from "../../e2e/support/steps";
import type { Stack } from "./stack";

/** The projects that the tests have; each is a cloud of the lab's clouds.yaml. */
export const CLOUDS = ["lab-one", "lab-two"] as const;

export interface Server {
    readonly id: string;
    readonly name: string;
    readonly status: string;
    readonly zone: string;
    readonly image: string | null;
    readonly addresses: readonly string[];
    readonly volumes: readonly string[];
}

interface Named {
    readonly id: string;
    readonly name: string;
}

export interface Volume extends Named {
    readonly status: string;
    readonly type: string;
    readonly sizeGiB: number;
    readonly servers: readonly string[];
}

export interface Port extends Named {
    readonly device: string;
    readonly addresses: readonly string[];
    readonly securityGroups: readonly string[];
}

export interface Holdings {
    readonly servers: readonly Server[];
    readonly ports: readonly Port[];
    readonly volumes: readonly Volume[];
    readonly networks: readonly Named[];
    readonly subnets: readonly Named[];
    readonly routers: readonly Named[];
    readonly floatingAddresses: readonly { readonly id: string; readonly address: string }[];
    readonly securityGroups: readonly Named[];
    readonly serverGroups: readonly Named[];
    readonly keyPairs: readonly { readonly name: string }[];
}

/** `node lab/openstack/openstack.mjs VERB …` */
export function openstack(...args: string[]): Promise<string> {
    return must(process.execPath, [join(ROOT, "lab", "openstack", "openstack.mjs"), ...args], { timeoutSec: 600 });
}

/** All that the projects hold. */
export async function holdings(clouds: readonly string[] = CLOUDS): Promise<Holdings> {
    const all = await Promise.all(clouds.map(async (cloud) => JSON.parse(await openstack("list", cloud)) as Holdings));
    const joined = Object.keys(all[0] ?? {}).map((kind) => [
        kind,
        all.flatMap((one): readonly unknown[] => one[kind as keyof Holdings]),
    ]);
    return Object.fromEntries(joined) as Holdings;
}

/** The server ids by name. */
export async function serverIds(): Promise<Record<string, string>> {
    return Object.fromEntries((await holdings()).servers.map(({ name, id }) => [name, id]));
}

const TYPES = {
    servers: "compute/instance:Instance",
    ports: "networking/port:Port",
    volumes: "blockstorage/volume:Volume",
    networks: "networking/network:Network",
    subnets: "networking/subnet:Subnet",
    routers: "networking/router:Router",
    floatingAddresses: "networking/floatingIp:FloatingIp",
    securityGroups: "networking/secGroup:SecGroup",
    serverGroups: "compute/serverGroup:ServerGroup",
    keyPairs: "compute/keypair:Keypair",
} as const;

/** Leaves nothing of an earlier suite, one that failed in its middle among them. */
export async function emptyProjects(): Promise<void> {
    tell("empties both projects");
    await Promise.all(CLOUDS.map((cloud) => openstack("empty", cloud)));
}

/**
 * Nothing in the projects that the state does not know, and the other way round; every server serves.
 *
 * Apart from what belongs to others: a project's default group, and the volumes that Nova itself makes to boot a server from, as
 * long as they are on one.
 */
export async function expectNoOrphans(stack: Stack): Promise<void> {
    const all = await holdings();
    const found = {
        ...all,
        securityGroups: all.securityGroups.filter(({ name }) => name !== "default"),
        volumes: all.volumes.filter(({ name, servers }) => name !== "" || servers.length === 0),
        keyPairs: all.keyPairs.map(({ name }) => ({ id: name })),
    };
    const known = await stack.idsInState();
    for (const [kind, type] of Object.entries(TYPES)) {
        const there = found[kind as keyof typeof TYPES].map(({ id }) => id).sort();
        expect({ kind, ids: there }).toEqual({ kind, ids: [...(known.get(type) ?? [])].sort() });
    }
    expect(all.servers.filter(({ status }) => status !== "ACTIVE")).toEqual([]);
}

/** The projects are empty but for these volumes, which nobody has attached. */
export async function expectOnlyVolumes(volumes: readonly Volume[]): Promise<void> {
    const left = await holdings();
    for (const kind of Object.keys(TYPES) as (keyof typeof TYPES)[]) {
        const names = left[kind].map((one) => ("name" in one ? one.name : one.address));
        const kept = kind === "volumes" ? volumes.map(({ name }) => name) : [];
        expect({ kind, names: names.filter((name) => name !== "default").sort() }).toEqual({
            kind,
            names: kept.sort(),
        });
    }
    expect(left.volumes.every(({ status }) => status === "available")).toBe(true);
}
