/**
 * The agents that a commander has, by DDS' own `dds-info`. Whether a task of Mesos runs, and how it ends, says nothing of that: an agent
 * that hangs is still a running task, and one that was killed has ended in order.
 */
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Session } from "./workerPackage";

/** One agent that has joined. */
export interface JoinedAgent {
    readonly group: string;
    readonly slots: number;
    readonly idle: number;
    /** `user@host` */
    readonly host: string;
    /** Directory that it runs in: on Mesos the task's id is part of it. */
    readonly workDir: string;
}

/** From `dds-info -l`. */
export function agentsOf(output: string): JoinedAgent[] {
    return output.split("\n").flatMap((line): JoinedAgent[] => {
        const [, group = "", slots, idle, host = "", workDir] =
            /^\s*Agent \d+: .*\bgroup name \(([^)]*)\).*\bslots total\/executing\/idle \((\d+)\/\d+\/(\d+)\).*\bhost \(([^)]*)\).*\bwrkDir \("?([^")]*)"?\)/.exec(
                line,
            ) ?? [];
        return workDir === undefined ? [] : [{ group, slots: Number(slots), idle: Number(idle), host, workDir }];
    });
}

export interface Tools {
    /** Script that makes DDS' tools known, `DDS_env.sh`. @default they are on PATH */
    readonly setup?: string | undefined;
    /** Home of the session's owner. @default a directory of our own, made from the package */
    readonly home?: string | undefined;
    readonly timeoutSec: number;
}

/**
 * A home with what tools look for of a session: they find commander and session there. What is secret in it, nobody else may read.
 * @param host of the commander, as it is reached from here
 */
export function makeHome(dir: string, { id, agentPort, uiPort }: Session, host: string): string {
    const place = join(dir, ".DDS", "sessions", id);
    mkdirSync(place, { recursive: true, mode: 0o700 });
    const part = (name: string, port: number): string => `[${name}]\nhost=${host}\nuser=\nport=${port}\n`;
    writeFileSync(join(place, "server_info.cfg"), part("server", agentPort) + part("ui", uiPort), { mode: 0o600 });
    writeFileSync(join(place, "dds.sid"), `${id}\n`, { mode: 0o600 });
    return dir;
}

const SCRIPT = `if [ -n "$1" ]; then . "$1" >/dev/null || exit 69; fi
exec dds-info -l`;

/**
 * Asks a commander for its agents.
 * @throws when there is no answer in time; whoever hangs is ended with all that it has started
 */
export function askAgents(session: Session, home: string, { setup = "", timeoutSec }: Tools): Promise<JoinedAgent[]> {
    return new Promise((resolve, reject) => {
        // The session's id goes by the environment: an argument could be read by every user of this host.
        const child = spawn("/bin/bash", ["-c", SCRIPT, "dds-info", setup], {
            env: {
                PATH: process.env["PATH"] ?? "/usr/bin:/bin",
                HOME: home,
                LC_ALL: "C",
                DDS_SESSION_ID: session.id,
            },
            cwd: "/",
            stdio: ["ignore", "pipe", "pipe"],
            detached: true,
        });
        let out = "";
        let errors = "";
        let late = false;
        child.stdout.on("data", (data: Buffer) => (out += data.toString()));
        child.stderr.on("data", (data: Buffer) => (errors = (errors + data.toString()).slice(-500)));
        const timer = setTimeout(() => {
            late = true;
            if (child.pid !== undefined) {
                process.kill(-child.pid, "SIGKILL");
            }
        }, timeoutSec * 1000);
        child.on("error", (error) => {
            clearTimeout(timer);
            reject(error);
        });
        child.on("close", (code) => {
            clearTimeout(timer);
            if (late) {
                reject(new Error(`dds-info has not answered within ${timeoutSec} s`));
            } else if (code === 127) {
                reject(new Error("dds-info is not here: install DDS on the framework's hosts, or name its DDS_env.sh"));
            } else if (code !== 0) {
                const last = errors.replaceAll(session.id, "…").trim().split("\n").pop() ?? "";
                reject(new Error(`dds-info has failed (status ${String(code)})${last === "" ? "" : `: ${last}`}`));
            } else {
                resolve(agentsOf(out));
            }
        });
    });
}
