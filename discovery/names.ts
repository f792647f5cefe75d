/** Names of apps and of the leader, as Mesos-DNS gives them. Pure. */
import { createHash } from "node:crypto";
import type { Service } from "./services";

export interface NameSettings {
    /** E.g. "mesos": apps are NAME.marathon.mesos. */
    readonly domain: string;
    /** Framework's part of the name. */
    readonly framework: string;
    readonly ttlSec: number;
}

export interface Place {
    readonly target: string;
    readonly port: number;
}

/** Everything that can be asked for, by lower-case name without the last dot. */
export interface Names {
    readonly addresses: ReadonlyMap<string, readonly string[]>;
    readonly places: ReadonlyMap<string, readonly Place[]>;
    /** Names that have none of either, but lie above one that has: they exist, and are empty. */
    readonly between: ReadonlySet<string>;
}

const isAddress = (text: string): boolean => /^\d{1,3}(\.\d{1,3}){3}$/.test(text);

/** /shop/web → web-shop: the innermost first, in one label. */
export function labelOf(app: string): string {
    const label = app.split("/").filter(Boolean).reverse().join("-").replaceAll(".", "-");
    // A label has 63 characters at most; what is longer keeps its beginning and stays unlike any other.
    return label.length <= 63 ? label : `${label.slice(0, 54)}-${digest(app)}`;
}

const digest = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 8);

export interface Masters {
    /** Address of the leading master; undefined while none leads. */
    readonly leader: string | undefined;
}

/** All names that there are now. A task that Marathon tells no address of has none. */
export function namesOf(services: readonly Service[], { leader }: Masters, { domain, framework }: NameSettings): Names {
    const addresses = new Map<string, Set<string>>();
    const places = new Map<string, Place[]>();
    const point = (name: string, address: string): void => {
        const known = addresses.get(name) ?? new Set();
        addresses.set(name, known.add(address));
    };
    for (const { app, tasks } of services) {
        const label = labelOf(app);
        for (const { id, address, ports } of tasks) {
            if (!isAddress(address)) continue;
            point(`${label}.${framework}.${domain}`, address);
            const target = `${label.slice(0, 54)}-${digest(id)}.${framework}.${domain}`;
            point(target, address);
            for (const protocol of ["tcp", "udp"])
                for (const [index, port] of ports.entries()) {
                    const names = [
                        `_${label}._${protocol}.${framework}.${domain}`,
                        `_port${index}._${label}._${protocol}.${framework}.${domain}`,
                    ];
                    for (const name of names) places.set(name, [...(places.get(name) ?? []), { target, port }]);
                }
        }
    }
    if (leader !== undefined && isAddress(leader)) point(`leader.${domain}`, leader);
    const known = [...addresses.keys(), ...places.keys()];
    return {
        addresses: new Map([...addresses].map(([name, set]) => [name, [...set].sort()])),
        places,
        between: new Set([domain, ...known.flatMap(above)]),
    };
}

function above(name: string): string[] {
    const labels = name.split(".");
    return labels.slice(1).map((_, index) => labels.slice(index + 1).join("."));
}
