/**
 * Whose machine is replaced when. Machines that are replaced in this run wait for each other: those of the quorum one at a
 * time, then those of each pool as many at a time as may be out of service. The next one goes when all services of the one
 * before are healthy on its new machine.
 *
 * This is order of registration, not dependency: nothing of it stays in the state, where it would give the order of a later
 * `destroy`. The plugin watches over the quorum by itself; should the order be lost, it refuses.
 */
import type * as pulumi from "@pulumi/pulumi";

/** The tier of masters and ZooKeeper, as far as machines go. */
export const QUORUM = "quorum";

/** A machine as far as the order goes. */
export interface Turn {
    readonly host: string;
    /** "quorum" or the pool's name. */
    readonly tier: string;
    /** Machines of the tier that may be replaced at a time. */
    readonly maxUnavailable: number;
    /**
     * Services that must be healthy there before the next one goes; 0 for its agent alone. Undefined for a machine without
     * any, which must be up.
     */
    readonly services: number | undefined;
}

/** The host that must be done before another's machine is replaced, by the host that waits. */
export function waits(replaced: readonly Turn[]): Map<string, string> {
    const lastOfQuorum = replaced.findLast(({ tier }) => tier === QUORUM)?.host;
    const result = new Map<string, string>();
    const byTier = new Map<string, string[]>();
    for (const { host, tier, maxUnavailable } of replaced) {
        const before = byTier.get(tier) ?? [];
        const former = before.length < maxUnavailable ? undefined : before[before.length - maxUnavailable];
        const first = tier === QUORUM ? undefined : lastOfQuorum;
        const waitsFor = former ?? first;
        if (waitsFor !== undefined) {
            result.set(host, waitsFor);
        }
        byTier.set(tier, [...before, host]);
    }
    return result;
}

interface Place {
    readonly machine: pulumi.Resource[];
    readonly services: pulumi.Resource[];
    readonly agents: pulumi.Resource[];
    readonly waiting: (() => void)[];
}

/** The order of one run. */
export class Turns {
    private readonly places = new Map<string, Place>();
    private readonly hostOf = new WeakMap<pulumi.Resource, string>();

    /** @param replaced The machines that are replaced in this run, in order */
    public constructor(private readonly replaced: Promise<readonly Turn[]>) {}

    private place(host: string): Place {
        const place = this.places.get(host) ?? { machine: [], services: [], agents: [], waiting: [] };
        this.places.set(host, place);
        return place;
    }

    /** What must be there before services can be put on a host. */
    public belongs(host: string, resources: readonly pulumi.Resource[]): void {
        resources.forEach((resource) => this.hostOf.set(resource, host));
        this.place(host).machine.push(...resources);
        this.place(host).waiting.forEach((look) => look());
    }

    /** A service is put on a host. An agent beside other services does not count: it comes after all masters. */
    public put(host: string, service: pulumi.Resource, isAgent: boolean): void {
        this.hostOf.set(service, host);
        const { services, agents, waiting } = this.place(host);
        (isAgent ? agents : services).push(service);
        waiting.forEach((look) => look());
    }

    private async healthy({ host, services: count }: Turn): Promise<void> {
        const { machine, services, agents, waiting } = this.place(host);
        const [counted, enough] = count === undefined ? [machine, 1] : count === 0 ? [agents, 1] : [services, count];
        await new Promise<void>((resolve) => {
            const look = (): void => {
                if (counted.length >= enough) {
                    resolve();
                }
            };
            waiting.push(look);
            look();
        });
        await Promise.all(counted.map(done));
    }

    /** Ends when the machine of a host may be replaced. */
    public async of(host: string): Promise<void> {
        const replaced = await this.replaced;
        const former = waits(replaced).get(host);
        const turn = replaced.find((other) => other.host === former);
        if (turn !== undefined) {
            await this.healthy(turn);
        }
    }

    /** Of the resources that a service on `host` waits for, those that do not themselves wait for it. */
    public async withoutLater(host: string, resources: readonly pulumi.Resource[]): Promise<pulumi.Resource[]> {
        const order = (await this.replaced).filter(({ tier }) => tier === QUORUM).map((turn) => turn.host);
        const own = order.indexOf(host);
        return resources.filter((resource) => own < 0 || order.indexOf(this.hostOf.get(resource) ?? "") <= own);
    }
}

/** A resource that fails ends the run by itself. */
async function done({ urn }: pulumi.Resource): Promise<void> {
    await (urn as unknown as { promise(): Promise<string> }).promise();
}
