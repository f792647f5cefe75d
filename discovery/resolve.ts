/** Addresses of agents that Marathon gives by name only: as this host's resolver knows them. */
import { lookup } from "node:dns/promises";
import { isIPv4 } from "node:net";
import type { Service } from "./services";

/** How long an answer, or that there is none, is believed; milliseconds. */
const KEEP_MS = 60_000;

export class Resolver {
    private readonly known = new Map<
        string,
        { readonly address: Promise<string | undefined>; readonly until: number }
    >();

    public constructor(
        private readonly ask: (name: string) => Promise<string> = async (name) =>
            (await lookup(name, { family: 4 })).address,
        private readonly now: () => number = Date.now,
    ) {}

    /** @returns undefined for a name that nobody knows */
    public address(name: string): Promise<string | undefined> {
        if (isIPv4(name)) return Promise.resolve(name);
        const present = this.known.get(name);
        if (present !== undefined && present.until > this.now()) return present.address;
        const address = this.ask(name).catch(() => undefined);
        this.known.set(name, { address, until: this.now() + KEEP_MS });
        return address;
    }
}

/** The services with an address for every task; a task without one is left out. */
export function withAddresses(services: readonly Service[], resolver: Resolver): Promise<Service[]> {
    return Promise.all(
        services.map(async (service) => {
            const tasks = await Promise.all(
                service.tasks.map(async (task) => ({ ...task, address: await resolver.address(task.address) })),
            );
            return {
                ...service,
                tasks: tasks.flatMap(({ address, ...task }) => (address === undefined ? [] : [{ ...task, address }])),
            };
        }),
    );
}
