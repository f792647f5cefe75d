/** The site's own work on the lab: Work Queue with real CCTools, a production and a validation of small data. */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Status } from "../../../frameworks/campaign/report";
import type { Report } from "../../../frameworks/workqueue/report";
import { addressOf, AGENTS, on, QUORUM } from "./hosts";
import type { Site } from "./stack";

/** Instances of the framework. */
export const INSTANCES = [QUORUM[0], QUORUM[1]] as const;
/** Where the managers are, and the results: no master is there. */
export const MANAGERS = AGENTS[2];
const PORTS = { production: 9180, validation: 9181 } as const;
export const INPUTS = 12;
export const SEED = 4000;
export const EVENTS = 50;
/** Seconds. */
const SEC = 2;

const source = "/srv/e2e-campaign";
const programs = join(__dirname, "campaign");

/** Programs and raw data on the managers' host. */
export async function placeSources(): Promise<void> {
    await on(MANAGERS, `mkdir -p ${source}/in`);
    for (const name of readdirSync(programs)) {
        await on(MANAGERS, `cat >${source}/${name}`, readFileSync(join(programs, name), "utf8"));
    }
    await on(MANAGERS, `cd ${source} && for i in $(seq ${INPUTS}); do python3 simulate.py $i 300 in/run$i.txt; done`);
}

export async function removeSources(): Promise<void> {
    await on(MANAGERS, `rm -rf ${source} /var/lib/mesos-campaign`);
}

/** @param jobs of the production: each takes {@link SEC} at least */
export function addWork(site: Site, jobs: number): void {
    (site["frameworks"] as Record<string, unknown>)["workqueue"] = { roles: ["workqueue"], users: ["nobody"] };
    for (const pool of Object.values(site.pools)) {
        pool["packages"] = ["coop-computing-tools"];
    }
    // An agent is given up after 25 s, not 75: the longest wait of this suite.
    Object.assign(site.masters, { agentPingTimeoutSec: 5, maxAgentPingTimeouts: 5 });
    const small = { memMiB: 60, diskMiB: 60 };
    const file = (name: string): string => `${source}/${name}`;
    site["workloads"] = {
        workQueue: {
            catalog: { hosts: [QUORUM[2]] },
            members: [...INSTANCES],
            sizes: [{ name: "small", cores: 1, cpus: 0.3, memMiB: 80, diskMiB: 200 }],
            ceiling: { workers: 5 },
            idleSec: 4,
            avoid: { failures: 2, avoidSec: 120 },
        },
        productions: {
            e2e: {
                host: MANAGERS,
                statusPort: PORTS.production,
                jobs,
                eventsPerJob: EVENTS,
                seed: SEED,
                command: `python3 simulate.py {seed} {events} {output} ${SEC}`,
                files: [file("simulate.py")],
                chunk: 60,
                resources: small,
            },
        },
        validations: {
            e2e: {
                host: MANAGERS,
                port: 9124,
                statusPort: PORTS.validation,
                inputs: Array.from({ length: INPUTS }, (_, index) => file(`in/run${index + 1}.txt`)),
                files: ["reconstruct.py", "merge.py", "qa.py"].map(file),
                requires: { freeMiB: 10, freeInodes: 100 },
                resources: small,
                stages: [
                    {
                        name: "reconstruction",
                        kind: "each",
                        command: "python3 reconstruct.py {input} {output} 3",
                        extension: "json",
                    },
                    {
                        name: "merge",
                        kind: "merge",
                        command: "python3 merge.py {output} {inputs}",
                        extension: "json",
                        fanIn: 5,
                    },
                    { name: "qa", kind: "each", command: "python3 qa.py {input} {output}", extension: "json" },
                ],
            },
        },
    };
}

async function get<T>(host: string, port: number): Promise<T | undefined> {
    try {
        const answer = await fetch(`http://${addressOf(host)}:${port}/status.json`, {
            signal: AbortSignal.timeout(3000),
        });
        return (await answer.json()) as T;
    } catch {
        return undefined;
    }
}

export const campaign = (kind: keyof typeof PORTS): Promise<Status | undefined> => get<Status>(MANAGERS, PORTS[kind]);

/** The instance that leads, with what it says. */
export async function leader(): Promise<{ host: string; report: Report } | undefined> {
    for (const host of INSTANCES) {
        const report = await get<Report>(host, 9099);
        if (report?.leads === true) {
            return { host, report };
        }
    }
    return undefined;
}

/** Workers in any of these states, or in any at all. */
export const workersOf = (report: Report | undefined, ...states: string[]): number =>
    (report?.workers ?? [])
        .filter(({ state }) => states.length === 0 || states.includes(state))
        .reduce((sum, { count }) => sum + count, 0);

/** The production's events, each by its name, as they lie on the host. */
export async function events(): Promise<string[]> {
    const text = await on(
        MANAGERS,
        "cat /var/lib/mesos-campaign/production-e2e/current/results/* | grep -v '^#' | cut -d' ' -f1",
    );
    return text.trim().split("\n").sort();
}

/** What they should be. */
export const expectedEvents = (jobs: number): string[] =>
    Array.from(
        { length: jobs * EVENTS },
        (_, index) => `${SEED + Math.floor(index / EVENTS)}.${index % EVENTS}`,
    ).sort();
