/** The lab's OpenStack from outside: what its projects hold, and what happens to it behind Pulumi's back. */
import { join } from "node:path";
import { ROOT } from "../../e2e/support/places";
import { must } from "../../e2e/support/processes";

/** The projects of the hybrid site; each is a cloud of the lab's clouds.yaml. */
export const CLOUDS = ["lab-one", "lab-two"] as const;

export interface Server {
    readonly id: string;
    readonly name: string;
    readonly status: string;
    readonly zone: string;
    readonly addresses: readonly string[];
    readonly volumes: readonly string[];
}

export interface Holdings {
    readonly servers: readonly Server[];
    readonly ports: readonly { readonly id: string; readonly device: string; readonly addresses: readonly string[] }[];
    readonly volumes: readonly { readonly id: string; readonly name: string; readonly status: string }[];
}

/** `node lab/openstack/openstack.mjs VERB …` */
export function openstack(...args: string[]): Promise<string> {
    return must(process.execPath, [join(ROOT, "lab", "openstack", "openstack.mjs"), ...args], { timeoutSec: 600 });
}

/** All that both projects hold. */
export async function holdings(): Promise<Holdings> {
    const all = await Promise.all(CLOUDS.map(async (cloud) => JSON.parse(await openstack("list", cloud)) as Holdings));
    return {
        servers: all.flatMap(({ servers }) => servers),
        ports: all.flatMap(({ ports }) => ports),
        volumes: all.flatMap(({ volumes }) => volumes),
    };
}

/** The server ids by name. */
export async function serverIds(): Promise<Record<string, string>> {
    return Object.fromEntries((await holdings()).servers.map(({ name, id }) => [name, id]));
}
