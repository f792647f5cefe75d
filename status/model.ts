/** How a site is, as plain data: what `npm run status -- --json` prints, and what table and page are made from. */
import { warnDays } from "../site/checks/certificates";

export type State = "leader" | "follower" | "serving" | "active" | "drained" | "inactive" | "down" | "unknown";

export interface Load {
    readonly cpus: { readonly used: number; readonly total: number };
    readonly memMiB: { readonly used: number; readonly total: number };
}

/** One service on one host. */
export interface ServiceStatus {
    /** "ZooKeeper", "master", "agent", "Marathon", … */
    readonly what: string;
    readonly state: State;
    readonly pool?: string;
    readonly version?: string;
    readonly load?: Load;
    /** Why it is not well. */
    readonly trouble?: string;
}

export interface HostStatus {
    readonly name: string;
    readonly address: string;
    readonly protect: boolean;
    readonly services: readonly ServiceStatus[];
}

export interface Expiry {
    readonly what: string;
    /** ISO 8601; undefined when it could not be read. */
    readonly until?: string;
    readonly daysLeft?: number;
    /** Its whole life: one that lives shortly ends soon all the time. */
    readonly lifeDays?: number;
    readonly trouble?: string;
}

/** The last backup of a part that the site's hosts have made. */
export interface BackupStatus {
    readonly part: "zookeeper" | "registry";
    /** ISO 8601; undefined when there is none, or nobody could tell. */
    readonly at?: string;
    readonly ageHours?: number;
    readonly trouble?: string;
}

export interface SiteStatus {
    readonly version: 1;
    readonly stack: string;
    readonly cluster: string;
    /** When it was looked at, ISO 8601. */
    readonly at: string;
    readonly zones: readonly { readonly name: string; readonly hosts: readonly HostStatus[] }[];
    readonly load: Load;
    readonly tasks: { readonly running: number; readonly staging: number } | undefined;
    readonly frameworks: number | undefined;
    readonly expiries: readonly Expiry[];
    /** None where the hosts make none. */
    readonly backups: readonly BackupStatus[];
    /** Lines; undefined when it was not asked for. */
    readonly drift: readonly string[] | undefined;
    /** Sentences, worst first; none when the site is well. */
    readonly problems: readonly string[];
}

const every = (status: Pick<SiteStatus, "zones">): { host: HostStatus; service: ServiceStatus }[] =>
    status.zones.flatMap(({ hosts }) => hosts.flatMap((host) => host.services.map((service) => ({ host, service }))));

/**
 * What is wrong with a site in this state.
 * @param maxBackupHours an older backup is a problem, hours
 */
export function problemsOf(status: Omit<SiteStatus, "problems">, maxBackupHours = Infinity): string[] {
    const all = every(status);
    const problems: string[] = [];
    for (const what of ["ZooKeeper", "master", "Marathon", "Metronome", "Work Queue"]) {
        const members = all.filter(({ service }) => service.what === what);
        const leaders = members.filter(({ service }) => service.state === "leader").length;
        const saysNot = members.some(({ service }) => service.state === "serving");
        if (members.length > 0 && leaders !== 1 && !saysNot)
            problems.push(`${what} has ${leaders === 0 ? "no" : leaders} leader${leaders > 1 ? "s" : ""}`);
        const serving = members.filter(({ service }) => ["leader", "follower"].includes(service.state)).length;
        const isQuorum = what === "ZooKeeper" || what === "master";
        if (isQuorum && serving < members.length && serving * 2 <= members.length + 1 && members.length > 1)
            problems.push(
                `${what}: ${serving} of ${members.length} serve; ${serving * 2 <= members.length ? "the quorum is lost" : "one more lost is the quorum lost"}`,
            );
    }
    for (const { host, service } of all)
        if (service.state === "down" || service.state === "inactive")
            problems.push(
                `${service.what} on ${host.name} is ${service.state}${service.trouble === undefined ? "" : `: ${service.trouble}`}`,
            );
    if ((status.tasks?.staging ?? 0) > 2) problems.push(`${status.tasks?.staging ?? 0} tasks are staging`);
    for (const { what, until, daysLeft, lifeDays, trouble } of status.expiries)
        if (daysLeft !== undefined && daysLeft < warnDays(lifeDays))
            problems.push(
                `${what} ${daysLeft < 0 ? "has expired" : `expires in ${daysLeft} day${daysLeft === 1 ? "" : "s"}`} (${until ?? ""})`,
            );
        else if (trouble !== undefined) problems.push(`${what}: ${trouble}`);
    for (const { part, at, ageHours, trouble } of status.backups)
        if (trouble !== undefined) problems.push(`backup of ${part}: ${trouble}`);
        else if ((ageHours ?? 0) > maxBackupHours)
            problems.push(`backup of ${part} is ${ageHours ?? 0} h old (${at ?? ""}); ${maxBackupHours} h are allowed`);
    for (const line of status.drift ?? []) problems.push(`drift: ${line}`);
    return problems;
}

/** Sums of several loads. */
export function sum(loads: readonly Load[]): Load {
    const add = (of: (load: Load) => number): number =>
        Math.round(loads.reduce((all, load) => all + of(load), 0) * 100) / 100;
    return {
        cpus: { used: add(({ cpus }) => cpus.used), total: add(({ cpus }) => cpus.total) },
        memMiB: { used: add(({ memMiB }) => memMiB.used), total: add(({ memMiB }) => memMiB.total) },
    };
}

export const gib = (mib: number): string => `${Math.round(mib / 102.4) / 10}`;
