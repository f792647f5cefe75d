/** Commands on hosts through the system's own OpenSSH client: agents, jump hosts and the user's ssh_config keep working. */
import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Connection } from "../../site/plan/types";
import { HostError } from "../host/errors";
import { scratch } from "./scratch";

/** What of a connection decides the way to a host. */
export type Route = Pick<Connection, "proxyJump" | "jump" | "privateKeyFile" | "knownHostsFile">;

export interface Ssh {
    /**
     * Runs a command and returns its standard output.
     *
     * @throws HostError when the host cannot be reached or the command fails
     */
    run(host: string, connection: Connection, command: string, options: RunOptions): Promise<string>;

    /**
     * The public keys that a host nobody knows yet shows at first contact, whether it lets us in or not.
     *
     * @throws HostError when the host cannot be reached
     */
    firstContact(host: string, connection: Connection): Promise<string[]>;
}

export interface RunOptions {
    /** What is being done, for the error message. */
    readonly step: string;
    readonly stdin: string;
    /** Whole time allowed, seconds. */
    readonly timeoutSec: number;
}

/** Seconds until an unanswered connection attempt counts as "unreachable". Without one, a dead host hangs over a minute. */
export const CONNECT_TIMEOUT_SEC = 10;

/** A known_hosts file that accepts these keys and nothing else; it serves one host, so it need not name it. */
function keyFile(keys: readonly string[]): string {
    const text = keys.map((key) => `* ${key}\n`).join("");
    const path = join(scratch(), `keys-${createHash("sha256").update(text).digest("hex").slice(0, 16)}`);
    if (!existsSync(path)) {
        writeFileSync(path, text, { mode: 0o600 });
    }
    return path;
}

function knownHosts({ hostKeys, knownHostsFile }: Connection): string[] {
    // In a preview they may not be known yet.
    if (Array.isArray(hostKeys) && hostKeys.length > 0) {
        return ["-o", `UserKnownHostsFile=${keyFile(hostKeys)}`, "-o", "GlobalKnownHostsFile=/dev/null"];
    }
    return knownHostsFile === undefined ? [] : ["-o", `UserKnownHostsFile=${knownHostsFile}`];
}

/** Host keys are always checked, nobody is asked, and a host that says nothing is given up. */
const STRICT: readonly string[] = [
    "BatchMode=yes",
    "StrictHostKeyChecking=yes",
    `ConnectTimeout=${CONNECT_TIMEOUT_SEC}`,
    // A host that loses power in the middle says nothing: 3 unanswered probes end the session.
    "ServerAliveInterval=5",
    "ServerAliveCountMax=3",
].flatMap((option) => ["-o", option]);

/** Options common to every connection, ours and Ansible's, as an argument vector. */
export function sshOptions(connection: Connection): string[] {
    const { privateKeyFile } = connection;
    const jump = jumpArguments(connection);
    return [
        ...STRICT,
        ...knownHosts(connection),
        ...(privateKeyFile === undefined ? [] : ["-i", privateKeyFile, "-o", "IdentitiesOnly=yes"]),
        // Not -J: it hands none of these options on, and a bastion of the site is known by nothing but them.
        ...(jump === undefined
            ? []
            : ["-o", `ProxyCommand=${["ssh", ...jump, "-W", "[%h]:%p"].map(expandedNever).join(" ")}`]),
    ];
}

/** A word for the shell that runs a ProxyCommand, in which ssh itself expands `%h` and `%p` only. */
function expandedNever(word: string): string {
    return word === "[%h]:%p" ? "'[%h]:%p'" : quoted(word.replaceAll("%", "%%"));
}

/** A word as a POSIX shell takes it. */
export function quoted(word: string): string {
    return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/**
 * Host keys of machines that this run has made, by host: what is behind a bastion that was made anew remembers its former ones until
 * it is changed itself, and may have to be taken away before that.
 */
const renewed = new Map<string, readonly string[]>();

export function renewKeys(host: string, keys: readonly string[]): void {
    renewed.set(host, keys);
}

/** What leads ssh to the bastion; undefined where a host is reached straight. */
export function jumpArguments(connection: Route): string[] | undefined {
    const { jump, proxyJump, privateKeyFile, knownHostsFile } = connection;
    if (jump !== undefined) return sshArguments({ ...jump, hostKeys: renewed.get(jump.host) ?? jump.hostKeys });
    if (proxyJump === undefined) return undefined;
    const hops = proxyJump.split(",");
    const [, user, address = proxyJump, port] = /^(?:([^@]+)@)?(.*?)(?::(\d+))?$/.exec(hops.pop() ?? "") ?? [];
    return [
        ...STRICT,
        // The site's own, if they have it; else whatever the user's configuration says of the bastion.
        ...(knownHostsFile === undefined
            ? []
            : ["-o", `UserKnownHostsFile="${knownHostsFile}" ~/.ssh/known_hosts ~/.ssh/known_hosts2`]),
        ...(privateKeyFile === undefined ? [] : ["-i", privateKeyFile]),
        ...(hops.length === 0 ? [] : ["-J", hops.join(",")]),
        ...(port === undefined ? [] : ["-p", port]),
        ...(user === undefined ? [] : ["-l", user]),
        address,
    ];
}

/** Everything that ssh needs to reach a host. */
export function sshArguments(connection: Connection): string[] {
    const { port = 22, address } = connection;
    return [...sshOptions(connection), "-p", String(port), "-l", userOf(connection), address];
}

export function userOf(connection: Connection): string {
    return connection.user ?? "root";
}

/** What ssh said, as a reason and a fix. */
export function explain(
    connection: Connection,
    stderr: string,
): { reason: string; fix?: string; isOtherMachine?: boolean } {
    const last = stderr.trim().split("\n").filter(Boolean).pop() ?? "ssh ended without a word";
    const target = `${userOf(connection)}@${connection.address}:${connection.port ?? 22}`;
    const bastion = connection.jump?.host ?? connection.proxyJump;
    // So ssh calls the end of a ProxyCommand: everything before it is the bastion's.
    if (bastion !== undefined && /UNKNOWN port 65535/.test(stderr)) {
        const said = stderr
            .trim()
            .split(/\s*\n/)
            .filter((line) => line !== "" && !line.includes("UNKNOWN port 65535"));
        return {
            reason: `cannot pass through the bastion ${bastion} (${said.pop() ?? "it says nothing"})`,
            fix: "check that it is up and that its host key and this machine's key are accepted; after it was made anew, run pulumi up first",
        };
    }
    if (/permission denied/i.test(stderr)) {
        const key = connection.privateKeyFile ?? "the keys of the ssh agent";
        return {
            reason: `${target} does not accept ${key}`,
            fix: "put the public key into authorized_keys there, or name another in ssh.privateKeyFile",
        };
    }
    if (/no such identity|identity file .* not accessible/i.test(stderr)) {
        return { reason: `there is no key file ${connection.privateKeyFile ?? ""}`, fix: "correct ssh.privateKeyFile" };
    }
    if (/host key verification failed|host identification has changed/i.test(stderr)) {
        const recorded = (connection.hostKeys?.length ?? 0) > 0;
        const known = recorded
            ? "the state, where it was recorded"
            : (connection.knownHostsFile ?? "~/.ssh/known_hosts");
        return {
            reason: `the host key of ${connection.address} is not the one in ${known}`,
            isOtherMachine: recorded,
            fix: recorded
                ? "somebody else may be answering there; if the machine was re-installed, replace it: pulumi up --replace with the URN of its instance"
                : "if the host was re-installed, replace its line there",
        };
    }
    if (
        /timed out|no route to host|connection refused|network is unreachable|could not resolve|not responding|closed by|connection reset|broken pipe/i.test(
            stderr,
        )
    ) {
        return {
            reason: `cannot reach ${target} (${last})`,
            fix: "check power, network and sshd of the host, then run again",
        };
    }
    return { reason: last };
}

/** Ends a process group that was started for one command. */
function endGroup(pid: number | undefined): void {
    if (pid !== undefined) {
        try {
            process.kill(-pid, "SIGKILL");
        } catch {
            // It has ended in the meantime.
        }
    }
}

/** Keys in a known_hosts file, without the hosts' names. */
function keysIn(path: string): string[] {
    const text = existsSync(path) ? readFileSync(path, "utf8") : "";
    return text.split("\n").flatMap((line) => {
        const [, kind, key] = line.split(" ");
        return kind === undefined || key === undefined ? [] : [`${kind} ${key}`];
    });
}

export const openSsh: Ssh = {
    firstContact(host, connection) {
        const file = join(scratch(), `first-${randomBytes(8).toString("hex")}`);
        const options = sshArguments({ ...connection, hostKeys: undefined, knownHostsFile: file }).map((argument) =>
            argument === "StrictHostKeyChecking=yes" ? "StrictHostKeyChecking=accept-new" : argument,
        );
        return new Promise((resolve, reject) => {
            const child = spawn("ssh", ["-o", "GlobalKnownHostsFile=/dev/null", ...options, "true"], {
                detached: true,
            });
            let stderr = "";
            const timer = setTimeout(() => endGroup(child.pid), 2 * CONNECT_TIMEOUT_SEC * 1000);
            child.stdin.end();
            child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
            child.on("error", (error) =>
                reject(new HostError(host, "first contact", `cannot start ssh: ${error.message}`)),
            );
            child.on("close", () => {
                clearTimeout(timer);
                const keys = keysIn(file);
                rmSync(file, { force: true });
                if (keys.length > 0) {
                    resolve(keys);
                } else {
                    reject(new HostError(host, "first contact", explain(connection, stderr).reason));
                }
            });
        });
    },

    run(host, connection, command, { step, stdin, timeoutSec }) {
        return new Promise((resolve, reject) => {
            const remote = userOf(connection) === "root" ? command : `sudo -n ${command}`;
            const child = spawn("ssh", [...sshArguments(connection), remote], { detached: true });
            let stdout = "";
            let stderr = "";
            let overdue = false;
            const timer = setTimeout(() => {
                overdue = true;
                endGroup(child.pid);
            }, timeoutSec * 1000);
            child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
            child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
            // The other end may be gone before it has read everything: the exit status says so, not this.
            child.stdin.on("error", () => undefined);
            child.stdin.end(stdin);
            child.on("error", (error) => {
                clearTimeout(timer);
                reject(new HostError(host, step, `cannot start ssh: ${error.message}`, "install the OpenSSH client"));
            });
            child.on("close", (code) => {
                clearTimeout(timer);
                if (code === 0) {
                    resolve(stdout);
                } else if (overdue) {
                    reject(
                        new HostError(
                            host,
                            step,
                            `no answer within ${timeoutSec} s`,
                            "check the load and the disk of the host",
                        ),
                    );
                } else if (code === 255) {
                    const { reason, fix, isOtherMachine = false } = explain(connection, stderr);
                    reject(Object.assign(new HostError(host, step, reason, fix), { isOtherMachine }));
                } else {
                    reject(new HostError(host, step, stderr.trim().slice(-2000) || `exit status ${code ?? "unknown"}`));
                }
            });
        });
    },
};
