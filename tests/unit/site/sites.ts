/** Sites for tests: a small one without faults, and how to change it. */
import { planSite, type Issue, type SitePlan } from "../../../site";
import { validateSite } from "../../../site/validate";

export type Tree = Record<string, unknown>;

/** The shortest site with three of everything; a fresh copy each time. */
export function smallSite(): Tree {
    return {
        cluster: "small",
        distribution: { kind: "apt" },
        hosts: {
            "bm[1-3]": { kind: "bareMetal", address: "10.0.0.[1-3]", zone: ["a", "b", "c"] },
            "bm[4-6]": { kind: "bareMetal", address: "10.0.0.[4-6]", zone: ["a", "b", "c"] },
        },
        zookeeper: { members: { bm1: 1, bm2: 2, bm3: 3 } },
        masters: { members: ["bm[1-3]"], recoveryAgentRemovalLimitPercent: 100 },
        pools: { work: { hosts: ["bm[4-6]"], resources: { cpus: 4, memMiB: 4096, diskMiB: 10000 } } },
    };
}

/** The smallest `openstack` with three failure domains. */
export function openstackSection(): Tree {
    return {
        projects: { p: { cloud: "c" } },
        networks: { n: { id: "5b2e7c1a-9d34-4c60-8f2b-7a1e3d5c9b01" } },
        failureDomains: { a: { volumeZone: "va" }, b: { volumeZone: "vb" }, c: { volumeZone: "vc" } },
        images: { i: { id: "6f1a52f0-3ad4-4b4e-9b60-0f4f6c4f8f11" } },
        keyPairs: { k: {} },
        security: { admins: ["10.9.0.0/16"] },
    };
}

/** Sets or (with undefined) removes the value at a path, its keys joined by spaces: names may hold dots. */
export function changed(changes: Readonly<Record<string, unknown>>, site: Tree = smallSite()): Tree {
    for (const [path, value] of Object.entries(changes)) {
        const keys = path.split(" ");
        const last = keys.pop() ?? "";
        let at = site;
        for (const key of keys) at = (at[key] ??= {}) as Tree;
        if (value === undefined) Reflect.deleteProperty(at, last);
        else at[last] = value;
    }
    return site;
}

export function planOf(site: Tree): SitePlan {
    const result = planSite(site);
    if ("issues" in result) throw new Error(JSON.stringify(result.issues, undefined, 1));
    return result.plan;
}

export function faultsOf(site: Tree): readonly Issue[] {
    return validateSite(site).issues;
}

export function warningsOf(site: Tree): readonly Issue[] {
    return validateSite(site).warnings;
}

/** The text of a file of the first host of a list. */
export function textOf(
    hosts: readonly { readonly files: SitePlan["masters"]["members"][number]["files"] }[],
    path: string,
): string {
    return hosts[0]?.files[path]?.content ?? `there is no ${path}`;
}
