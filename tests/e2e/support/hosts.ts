/** The lab's hosts: shell, power, cable, and how their services are. */
import { join } from "node:path";
import { LAB, ROOT } from "./places";
import { must, type Result, run } from "./processes";

/** As in lab/settings.mjs. */
export const PREFIX = process.env["PULUMI_MESOS_LAB_PREFIX"] ?? "bm";
type Hosts<N extends readonly string[]> = { readonly [K in keyof N]: string };
const hosts = <N extends readonly string[]>(...numbers: N): Hosts<N> =>
    numbers.map((number) => `${PREFIX}${number}`) as Hosts<N>;

export const HOSTS = hosts("1", "2", "3", "4", "5", "6");
export const QUORUM = hosts("1", "2", "3");
export const AGENTS = hosts("4", "5", "6");

const NET = process.env["PULUMI_MESOS_LAB_NET"] ?? "10.213.0";

/** As in lab/settings.mjs. */
export function addressOf(host: string): string {
    return `${NET}.${10 + Number(host.replace(/\D/g, ""))}`;
}

type Verb = "add" | "remove" | "power-on" | "power-off" | "power-cut" | "partition" | "heal" | "wait" | "fill-disk";

/** `node lab/hosts.mjs VERB …` */
export async function lab(verb: Verb | "free-disk" | "up", ...args: string[]): Promise<void> {
    await must(process.execPath, [join(ROOT, "lab", "hosts.mjs"), verb, ...args], { timeoutSec: 300 });
}

/** Switches a host on and waits until it answers. */
export async function powerOn(host: string): Promise<void> {
    await lab("power-on", host);
    await lab("wait", host);
}

export function tryOn(host: string, command: string, input?: string): Promise<Result> {
    const args = ["-F", join(LAB, "ssh_config"), "-o", "ConnectTimeout=3", host, command];
    return run("ssh", args, { timeoutSec: 60, ...(input !== undefined && { input }) });
}

/** A shell command as root on a host, that must succeed. @returns its standard output */
export async function on(host: string, command: string, input?: string): Promise<string> {
    const { code, text, stdout } = await tryOn(host, command, input);
    if (code !== 0) {
        throw new Error(`${host}: ${command.slice(0, 200)}: exit status ${code}\n${text}`);
    }
    return stdout;
}

export type Unit = "zookeeper" | "mesos-master" | "mesos-agent";

/** The services of each host, as the lab's stack file has them. */
export function unitsOf(host: string): Unit[] {
    return (QUORUM as readonly string[]).includes(host) ? ["zookeeper", "mesos-master"] : ["mesos-agent"];
}

/** What tells one life of a service from the next: systemd gives every start an id. "" when it does not run. */
export async function invocation(host: string, unit: Unit): Promise<string> {
    return (await on(host, `systemctl show -P InvocationID ${unit}.service`)).trim();
}

/** The life of every service of the site, by `host/unit`. */
export async function invocations(hosts: readonly string[] = HOSTS): Promise<Record<string, string>> {
    const pairs = hosts.flatMap((host) => unitsOf(host).map((unit) => ({ host, unit })));
    const ids = await Promise.all(pairs.map(({ host, unit }) => invocation(host, unit)));
    return Object.fromEntries(pairs.map(({ host, unit }, index) => [`${host}/${unit}`, ids[index] ?? ""]));
}

/** Everything that configuring a host would alter, in one text. */
export async function fingerprint(host: string): Promise<string> {
    return on(
        host,
        "dpkg-query -W; cd /; find etc usr/local var/lib/pulumi-mesos var/lib/zookeeper/myid -type f -printf '%p %m %T@\\n' 2>/dev/null" +
            " | grep -v -e '^etc/.pwd.lock' | sort; systemctl list-units --all --plain --no-legend 'mesos*' 'zookeeper*'",
    );
}
