/** Hosts to which the same happens, as one entry. */
import type { HostChange } from "./hosts";

export interface HostGroup extends Omit<HostChange, "host" | "address" | "turn" | "role"> {
    readonly hosts: readonly string[];
    /** Whether the texts have HOST and ADDRESS in place of each host's own. */
    readonly folded: boolean;
}

const byName = new Intl.Collator("en", { numeric: true });

/** Names in the order in which people count. */
export function sorted(names: Iterable<string>): string[] {
    return [...names].sort((a, b) => byName.compare(a, b));
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

function without(text: string, name: string, mark: string): string {
    return name === "" ? text : text.replace(new RegExp(`(?<![\\w.-])${escaped(name)}(?![\\w-]|\\.\\d)`, "g"), mark);
}

/** An object without some of its properties. */
export function omit<T extends object, K extends keyof T>(value: T, ...keys: readonly K[]): Omit<T, K> {
    const out = { ...value };
    for (const key of keys) Reflect.deleteProperty(out, key);
    return out;
}

type Alike = Omit<HostGroup, "hosts" | "folded">;

const own = (change: HostChange): Alike => omit(change, "host", "address", "turn", "role");

/** The change with the host's own name and address taken out of all its texts. */
function neutral(change: HostChange): Alike {
    const { host, address } = change;
    const replace = (text: string): string => without(without(text, address, "ADDRESS"), host, "HOST");
    return JSON.parse(JSON.stringify(own(change)), (_key, value: unknown) =>
        typeof value === "string" ? replace(value) : value,
    ) as Alike;
}

/** @returns groups in the order in which their first hosts come */
export function foldHosts(changes: readonly HostChange[]): HostGroup[] {
    const groups = new Map<string, { readonly first: HostChange; readonly alike: Alike; readonly hosts: string[] }>();
    for (const change of changes) {
        const alike = neutral(change);
        const key = JSON.stringify(alike);
        const present = groups.get(key);
        if (present === undefined) groups.set(key, { first: change, alike, hosts: [change.host] });
        else present.hosts.push(change.host);
    }
    return Array.from(groups.values(), ({ first, alike, hosts }) => ({
        ...(hosts.length > 1 ? alike : own(first)),
        hosts: sorted(hosts),
        folded: hosts.length > 1,
    }));
}

/** `bm1, alibuild[01-24]`: runs of numbers as the stack file writes them. */
export function ranges(hosts: readonly string[]): string {
    const runs: { readonly prefix: string; readonly from: string; to: string }[] = [];
    for (const name of sorted(hosts)) {
        const [, prefix = name, digits = ""] = /^(.*?)(\d+)$/.exec(name) ?? [];
        const last = runs.at(-1);
        const follows =
            last !== undefined &&
            digits !== "" &&
            last.prefix === prefix &&
            last.to !== "" &&
            Number(digits) === Number(last.to) + 1 &&
            (digits.length === last.to.length || !last.from.startsWith("0"));
        if (follows) last.to = digits;
        else runs.push({ prefix, from: digits, to: digits });
    }
    return runs
        .flatMap(({ prefix, from, to }) => {
            if (from === to) return [`${prefix}${from}`];
            const isPair = Number(to) === Number(from) + 1;
            return isPair ? [`${prefix}${from}`, `${prefix}${to}`] : [`${prefix}[${from}-${to}]`];
        })
        .join(", ");
}

/**
 * Of few the names, of many their number and ranges: `24 hosts: alibuild[01-24]`.
 * @param noun what there are many of
 */
export function hostList(hosts: readonly string[], noun = "hosts"): string {
    return hosts.length <= 3 ? sorted(hosts).join(", ") : `${hosts.length} ${noun}: ${ranges(hosts)}`;
}
