/** DDS sessions on the lab: the stand-in's tools on the framework's hosts, and what the framework says of them. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Report, SessionReport } from "../../../frameworks/dds/report";
import { addressOf, AGENTS, on, QUORUM } from "./hosts";
import type { Site } from "./stack";

/** Instances of the framework; sessions' commanders are on the first one. */
export const INSTANCES = [QUORUM[0], QUORUM[1]] as const;
export const COMMANDER = INSTANCES[0];
const PORT = 9098;
const SOURCE = join(__dirname, "..", "..", "..", "lab", "dds");
/** Owner of the sessions; no root. */
const USER = "alice";
const HOME = "/srv/e2e-dds";
const BIN = "/opt/dds-stand-in";
const SETUP = `${BIN}/DDS_env.sh`;
export const PACKAGE = `${HOME}/DDSWorker.sh`;

export async function placeTools(): Promise<void> {
    for (const host of INSTANCES) {
        await on(
            host,
            `mkdir -p ${BIN} ${HOME} && (id -u ${USER} >/dev/null 2>&1 || useradd --system ${USER}) && chown ${USER} ${HOME}`,
        );
        for (const name of ["stand_in.py", "scout.sh"]) {
            await on(
                host,
                `cat >${BIN}/${name} && chmod 0755 ${BIN}/${name}`,
                readFileSync(join(SOURCE, name), "utf8"),
            );
        }
        await on(
            host,
            `cd ${BIN} && for tool in session info prep-worker submit; do ln -sf stand_in.py dds-$tool; done; echo 'PATH=${BIN}:$PATH' >DDS_env.sh`,
        );
    }
}

/** A tool, as the sessions' owner calls it. */
export const tool = (command: string): Promise<string> =>
    on(COMMANDER, `cd / && su -s /bin/sh ${USER} -c 'HOME=${HOME} PATH=${BIN}:$PATH; export HOME PATH; ${command}'`);

/** The framework's system user. */
const FRAMEWORK_USER = "dds";

/**
 * Starts a session; its package comes to {@link PACKAGE} on all instances.
 * @param owner of the package there: who may read it
 * @returns the session's id
 */
export async function startSession(owner = FRAMEWORK_USER): Promise<string> {
    const id = /DDS session ID: (\S+)/.exec(await tool("dds-session start"))?.[1] ?? "";
    const made = (await tool(`dds-prep-worker -a ${id} -b e2e -t 2 -g mesos`)).trim();
    const data = await on(COMMANDER, `base64 -w0 ${made}`);
    for (const host of INSTANCES) {
        await on(
            host,
            `umask 077; base64 -d >${PACKAGE}.new && chown ${owner} ${PACKAGE}.new && mv ${PACKAGE}.new ${PACKAGE}`,
            data,
        );
    }
    return id;
}

export async function handOver(): Promise<void> {
    for (const host of INSTANCES) {
        await on(host, `chown ${FRAMEWORK_USER} ${PACKAGE}`);
    }
}

export async function removeTools(): Promise<void> {
    for (const host of INSTANCES) {
        await on(host, `pkill -u ${USER} 2>/dev/null; rm -rf ${BIN} ${HOME}; userdel ${USER} 2>/dev/null; true`);
    }
}

/** What the test declares besides its defaults. */
export interface Wish {
    readonly agents: number;
    readonly replacements?: number;
}

export function addSession(site: Site, { agents, replacements = 20 }: Wish): void {
    (site["frameworks"] as Record<string, unknown>)["dds"] = { roles: ["dds"], users: ["nobody"] };
    site["workloads"] = {
        dds: {
            members: [...INSTANCES],
            tools: { setup: SETUP },
            pollSec: 1,
            goneSec: 10,
            submissions: { from: ["127.0.0.1", addressOf(COMMANDER)], agents: 3, commander: addressOf(COMMANDER) },
            sessions: {
                e2e: {
                    package: PACKAGE,
                    commander: addressOf(COMMANDER),
                    agents,
                    cpus: 0.2,
                    memMiB: 96,
                    diskMiB: 500,
                    replacements,
                },
            },
        },
    };
}

/** The instance that leads, with what it says. */
export async function leader(): Promise<{ host: string; report: Report } | undefined> {
    for (const host of INSTANCES) {
        try {
            const answer = await fetch(`http://${addressOf(host)}:${PORT}/status.json`, {
                signal: AbortSignal.timeout(3000),
            });
            const report = (await answer.json()) as Report;
            if (report.leads) {
                return { host, report };
            }
        } catch {
            // The other one may.
        }
    }
    return undefined;
}

export async function session(name = "e2e"): Promise<SessionReport | undefined> {
    return (await leader())?.report.sessions?.find((one) => one.name === name);
}

/** Agents' processes and message queues on all hosts. */
export async function traces(): Promise<string[]> {
    const found = await Promise.all(
        AGENTS.map((host) =>
            on(host, "pgrep -fa 'DDSWorker.sh|dds-agent' | grep -v pgrep; ls /dev/shm | grep '^DDSA'; true"),
        ),
    );
    return found.flatMap((text, index) =>
        text
            .split("\n")
            .filter((line) => line !== "")
            .map((line) => `${AGENTS[index]}: ${line}`),
    );
}
