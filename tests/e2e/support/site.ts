/** The site as a whole: is it healthy, and how it is brought back after whatever a test has done. */
import { existsSync, readdirSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { agentAnswers, agents, leaderBy, type Mode, zookeeperMode } from "./endpoints";
import { addressOf, AGENTS, HOSTS, lab, PREFIX, QUORUM } from "./hosts";
import { LAB } from "./places";
import { declare, forgetOutputs, isChanged, markChanged, markConverged, pulumi, startPulumi } from "./stack";
import { eventually, tell } from "./steps";

export { AGENTS };

export interface Health {
    readonly zookeeper: Readonly<Record<string, Mode | undefined>>;
    /** The master that all masters take for the leader. */
    readonly leader: string | undefined;
    readonly problems: readonly string[];
}

/** Asks every server itself. */
export async function health(
    expected: readonly string[] = AGENTS,
    quorum: readonly string[] = QUORUM,
): Promise<Health> {
    const [modes, views, registered, answering] = await Promise.all([
        Promise.all(quorum.map(zookeeperMode)),
        Promise.all(quorum.map((host) => leaderBy(host, 2000))),
        agents(),
        Promise.all(expected.map(agentAnswers)),
    ]);
    const zookeeper = Object.fromEntries(quorum.map((host, index) => [host, modes[index]]));
    const [first] = views;
    const leader = first?.leader;
    const active = (registered ?? []).filter((agent) => agent.active);
    const problems = [
        ...quorum.filter((_, index) => modes[index] === undefined).map((host) => `ZooKeeper on ${host} does not serve`),
        ...(modes.filter((mode) => mode === (quorum.length === 1 ? "standalone" : "leader")).length === 1
            ? []
            : ["ZooKeeper has not one leader"]),
        ...quorum
            .filter((_, index) => leader === undefined || views[index]?.leader !== leader)
            .map((host) => `the master on ${host} sees the leader ${views[quorum.indexOf(host)]?.leader ?? "nowhere"}`),
        ...expected
            .filter((_, index) => answering[index] !== true)
            .map((host) => `the agent on ${host} does not answer`),
        ...expected
            .filter((host) => active.filter(({ hostname }) => hostname === host).length !== 1)
            .map((host) => `${host} has not one active agent`),
        ...active
            .filter(({ hostname }) => !expected.includes(hostname))
            .map(({ hostname }) => `${hostname} has an agent although it should not`),
    ];
    return { zookeeper, leader, problems };
}

/** Waits until the site is healthy. */
export async function healthy(
    expected: readonly string[] = AGENTS,
    { timeoutSec = 60, quorum = QUORUM }: { timeoutSec?: number; quorum?: readonly string[] } = {},
): Promise<Health> {
    let last: readonly string[] = [];
    return eventually(
        "the site is healthy",
        async () => {
            const now = await health(expected, quorum);
            last = now.problems;
            return last.length === 0 ? now : undefined;
        },
        { timeoutSec, everyMs: 300 },
        () => `(${last.join("; ")})`,
    );
}

function answersSsh(host: string): Promise<boolean> {
    return new Promise((resolve) => {
        const socket = connect({ host: addressOf(host), port: 22, timeout: 1000 });
        const end = (value: boolean): void => {
            socket.destroy();
            resolve(value);
        };
        socket.on("connect", () => end(true));
        socket.on("error", () => end(false));
        socket.on("timeout", () => end(false));
    });
}

/** Hosts that tests have added and not taken away. */
function strayHosts(): string[] {
    const dir = join(LAB, "hosts");
    return existsSync(dir)
        ? readdirSync(dir).filter((name) => new RegExp(`^${PREFIX}\\d+$`).test(name) && !HOSTS.includes(name))
        : [];
}

/** Hosts on and plugged in, stack file as in the beginning, site converged and healthy. Costs little when it is so already. */
export async function restore(): Promise<void> {
    const reachable = await Promise.all(HOSTS.map(answersSsh));
    if (reachable.includes(false)) {
        tell(`restores: ${HOSTS.filter((_, index) => reachable[index] !== true).join(", ")} on`);
        await lab("up", String(HOSTS.length));
        markChanged();
    }
    declare();
    const converged = !isChanged() && (await health()).problems.length === 0;
    if (!converged) {
        tell("restores: the site");
        const args = ["up", "--refresh", "--yes", "--non-interactive", "--skip-preview", "--suppress-outputs"];
        // What a failed test has left behind may be out of reach.
        const first = await startPulumi(args, { PULUMI_MESOS_CONFIRM: "lab" }).ended;
        if (first.code !== 0) {
            tell("restores: once more");
            const again = await pulumi(args, { PULUMI_MESOS_CONFIRM: "lab" });
            if (again.code !== 0) {
                throw new Error(`the lab cannot be brought back to its declaration:\n${again.text}`);
            }
        }
        forgetOutputs();
        await healthy();
        markConverged();
    }
    for (const name of strayHosts()) {
        await lab("remove", name);
    }
}

const tellName = (): void => tell(`▸ ${expect.getState().currentTestName ?? ""}`);

/** For every suite: a healthy site before each test, and the site as it was after it, whatever the test did. */
export function onTheLab(): void {
    beforeAll(restore);
    beforeEach(tellName);
    afterEach(restore);
}

/** What a suite puts beside the site. */
export interface Beside {
    readonly place?: () => Promise<unknown>;
    /** What would hold the site up that is to come back. */
    readonly release?: () => unknown;
    /** Takes it away; before it is placed as well, for what a run that was cut short has left. */
    readonly remove?: () => Promise<unknown>;
}

/** For a suite whose tests go on from each other: a healthy site before the first, the site as it was after the last. */
export function onTheLabThroughout({ place, release, remove }: Beside = {}): void {
    beforeAll(async () => {
        await restore();
        await remove?.();
        await place?.();
    });
    beforeEach(tellName);
    afterAll(async () => {
        await release?.();
        await restore();
        await remove?.();
    });
}
