/** After services run again: who is back, who never will be, and is the declaration what runs? */
import { ZooKeeperSession } from "../frameworks/zookeeper/session";
import { HttpGroup } from "../provider/clients/http";
import { HttpMesosClient, type MasterAddress } from "../provider/clients/mesos";
import { trusting } from "../site/plan/certificates";
import { zookeeperSecret, zookeeperUser } from "../site/plan/principals";
import { lostAgents } from "./decide";
import type { Engine } from "./engine";
import { control, keptAgent } from "./hosts";
import { BackupError, type RegistryFacts } from "./manifest";
import type { RescueSite } from "./site";
import type { Steps } from "./steps";

/** How long sessions of masters that are gone may last: they were agreed on before, and an ensemble that has just begun counts anew. */
const SESSIONS_SEC = 90;
/** How long agents, and then the apps' tasks, may take to be back; seconds. */
const AGENTS_SEC = 120;
const APPS_SEC = 180;
const pause = (): Promise<void> => new Promise((next) => setTimeout(next, 1000));

/** The masters' client, as the provisioner's own principal. */
export async function operatorOf(site: RescueSite, engine: Engine): Promise<HttpMesosClient> {
    const { operator } = await engine.outputs();
    const addresses: MasterAddress[] = [...site.plan.endpoints.masters];
    const [first] = site.plan.masters.members;
    return new HttpMesosClient(addresses, operator, first?.connection ?? {});
}

/**
 * Makes ZooKeeper forget masters that do not run. A copy still has their sessions, and a master that leads too early asks a replica
 * which is not there for its promise: the question is lost, and it waits for the answer until `registryFetchTimeoutSec`. No master may
 * run meanwhile. What cannot be removed goes with its session.
 */
export async function forgetMasters({ site, plan }: RescueSite, engine: Engine): Promise<void> {
    const servers = plan.endpoints.zookeeper.map(({ address, port }) => `${address}:${port}`);
    const { zkPath } = site.masters;
    const isOpen = site.zookeeper.existing?.authenticated === false;
    const password = isOpen ? undefined : await engine.secret(zookeeperSecret);
    const digest = password === undefined ? undefined : { user: zookeeperUser, password };
    const openTimeoutMs = SESSIONS_SEC * 1000;
    const session = await ZooKeeperSession.open({ servers, openTimeoutMs, ...(digest && { digest }) });
    const below = async (path: string): Promise<string[]> =>
        (await session.exists(path)) ? (await session.children(path)).map((name) => `${path}/${name}`) : [];
    try {
        for (const end = Date.now() + SESSIONS_SEC * 1000; ; await pause()) {
            const contenders = (await below(zkPath)).filter((path) => /\/(json\.)?info_\d+$/.test(path));
            const stale = [...contenders, ...(await below(`${zkPath}/log_replicas`))];
            const left = await Promise.all(
                stale.map((path) =>
                    session.remove(path).then(
                        () => [],
                        () => [path],
                    ),
                ),
            );
            if (left.flat().length === 0) return;
            if (Date.now() > end) {
                throw new BackupError(`ZooKeeper still knows masters that do not run: ${left.flat().join(", ")}`);
            }
        }
    } finally {
        await session.close();
    }
}

/** What each agent's host remembers of its id, by the agent's host name. */
async function keptIds({ plan }: RescueSite): Promise<ReadonlyMap<string, string>> {
    const kept = new Map<string, string>();
    await Promise.all(
        plan.pools
            .flatMap(({ agents }) => agents)
            .map(async ({ host, connection, service }) => {
                if (service.kind !== "mesosAgent") return;
                const id = await keptAgent(host, connection, service.workDir);
                if (id !== undefined) kept.set(service.hostname, id);
            }),
    );
    return kept;
}

/**
 * Tells the masters which agents will never come back, before frameworks ask for their tasks. The leader that is told so writes it
 * down, but goes on waiting for them; a master that begins reads that they are gone.
 */
export async function giveUpLost(site: RescueSite, engine: Engine): Promise<string[]> {
    const mesos = await operatorOf(site, engine);
    const known = (await recoveredAgents(mesos)).map(({ id, hostname }) => ({ id: id.value, hostname }));
    const lost = lostAgents(known, await keptIds(site));
    if (lost.length === 0) return [];
    for (const { id } of lost) await mesos.markGone(id);
    const masters = (verb: "stop" | "restart"): Promise<unknown> =>
        Promise.all(site.members.registry.map((one) => control(verb, one)));
    await masters("stop");
    await forgetMasters(site, engine);
    await masters("restart");
    for (const end = Date.now() + AGENTS_SEC * 1000; ; await pause()) {
        const waiting = await recoveredAgents(mesos).catch(() => undefined);
        if (waiting?.every(({ id }) => !lost.some((one) => one.id === id.value)) === true) break;
        if (Date.now() > end)
            throw new BackupError(`no master leads that has given up ${lost.map(({ id }) => id).join(", ")}`);
    }
    return lost.map(({ hostname }) => hostname);
}

interface ApiAgents {
    readonly agents?: readonly { readonly active: boolean }[];
    readonly recovered_agents?: readonly { readonly hostname: string; readonly id: { readonly value: string } }[];
}

/** Agents of the registry that the leader still waits for. */
async function recoveredAgents(mesos: HttpMesosClient): Promise<NonNullable<ApiAgents["recovered_agents"]>> {
    const answer = (await mesos.operate("GET_AGENTS", {}))["get_agents"] as ApiAgents | undefined;
    return answer?.recovered_agents ?? [];
}

/** Waits for agents that the registry knows. */
async function agentsBack(mesos: HttpMesosClient): Promise<{ back: number; away: string[] }> {
    for (const end = Date.now() + AGENTS_SEC * 1000; ; await pause()) {
        // A leader may change once more just now.
        const said = await mesos.operate("GET_AGENTS", {}).catch((error: unknown) => {
            if (Date.now() > end) throw error;
            return undefined;
        });
        if (said === undefined) continue;
        const answer = said["get_agents"] as ApiAgents | undefined;
        const away = (answer?.recovered_agents ?? []).map(({ hostname }) => hostname);
        if (away.length === 0 || Date.now() > end) {
            return { back: (answer?.agents ?? []).filter(({ active }) => active).length, away };
        }
    }
}

interface AppCounts {
    readonly id: string;
    readonly instances: number;
    readonly tasksRunning: number;
    readonly tasksUnhealthy: number;
}

/** Waits until Marathon runs what it should. @returns what it does not, and how many tasks it runs */
async function appsBack({ plan }: RescueSite, engine: Engine): Promise<{ tasks: number; lacking: string[] }> {
    const { authorities } = plan.certificates === undefined ? {} : await engine.outputs();
    const { schedulers } = authorities === undefined ? plan : trusting(plan, authorities);
    const own = schedulers.find(({ kind }) => kind === "marathon");
    if (own === undefined) return { tasks: 0, lacking: [] };
    const { urls, ca, login } = own;
    const password = login && (await engine.secret(login.secret));
    const http = new HttpGroup("Marathon", {
        urls,
        ...(ca !== undefined && { ca }),
        ...(login && password !== undefined && { username: login.user, password }),
    });
    for (const end = Date.now() + APPS_SEC * 1000; ; await pause()) {
        const { status, body } = await http.ask("GET", "/v2/apps?embed=apps.counts");
        const { apps = [] } = (status === 200 ? body : {}) as { apps?: AppCounts[] };
        const lacking = apps.filter(
            ({ instances, tasksRunning, tasksUnhealthy }) => tasksRunning - tasksUnhealthy < instances,
        );
        if ((status === 200 && lacking.length === 0) || Date.now() > end) {
            const say = ({ id, instances, tasksRunning, tasksUnhealthy }: AppCounts): string =>
                `${id}: ${tasksRunning - tasksUnhealthy} of ${instances}`;
            return { tasks: apps.reduce((sum, { tasksRunning }) => sum + tasksRunning, 0), lacking: lacking.map(say) };
        }
    }
}

/** Quotas, weights and maintenance windows of the backup that the leader does not have. */
async function missingSettings(mesos: HttpMesosClient, wanted: RegistryFacts): Promise<string[]> {
    const [quota, weights] = await Promise.all([mesos.operate("GET_QUOTA", {}), mesos.operate("GET_WEIGHTS", {})]);
    const status = (
        quota["get_quota"] as { status?: { configs?: { role: string }[]; infos?: { role: string }[] } } | undefined
    )?.status;
    const roles = new Set([...(status?.configs ?? []), ...(status?.infos ?? [])].map(({ role }) => role));
    const infos =
        (weights["get_weights"] as { weight_infos?: { role: string; weight: number }[] } | undefined)?.weight_infos ??
        [];
    return [
        ...wanted.quotas.filter((role) => !roles.has(role)).map((role) => `quota of ${role}`),
        ...Object.entries(wanted.weights)
            .filter(([role, weight]) => !infos.some((one) => one.role === role && one.weight === weight))
            .map(([role]) => `weight of ${role}`),
    ];
}

/**
 * @param facts of the registry that was put back, if it was
 * @returns what is not well
 */
export async function settle(
    site: RescueSite,
    engine: Engine,
    steps: Steps,
    facts: RegistryFacts | undefined,
): Promise<string[]> {
    const mesos = await operatorOf(site, engine);
    const problems: string[] = [];
    const agents = await steps.step(
        "agents back",
        () => agentsBack(mesos),
        ({ back, away }) => `${back} active${away.length > 0 ? `; not back: ${away.join(", ")}` : ""}`,
    );
    if (agents.away.length > 0) problems.push(`agents not back: ${agents.away.join(", ")}`);
    const apps = await steps.step(
        "apps at full count",
        () => appsBack(site, engine),
        ({ tasks }) => `${tasks} tasks`,
    );
    if (apps.lacking.length > 0) problems.push(`apps not at full count: ${apps.lacking.join(", ")}`);
    if (facts !== undefined) {
        const missing = await missingSettings(mesos, facts);
        if (missing.length > 0) problems.push(`not as in the backup: ${missing.join(", ")}`);
    }
    try {
        await steps.step(
            "compared with the declaration",
            () => engine.up(false, "--refresh"),
            (changed) => (changed === 0 ? "all as declared" : `${changed} resources mended`),
        );
    } catch (error) {
        problems.push((error as Error).message);
    }
    return problems;
}
