/**
 * marathon-stand-in: answers as Marathon 1.11 was recorded to answer, and runs its apps on Mesos. For the lab only: a real
 * Marathon cannot be had there. It is not Marathon and holds none of its code.
 */
import { frameworkInfo, Scheduler, SubscriptionEnded, ZooKeeperIdStore } from "../../frameworks/scheduler";
import type { MarathonFacts } from "../../site/marathon";
import { MarathonApi } from "./api";
import { Events } from "./events";
import { type Flags, numberFlag, readFlags } from "./flags";
import { HealthChecker } from "./health";
import type { Handle } from "./http";
import { Launcher } from "./launcher";
import { join } from "./leadership";
import { listening, marathonListens } from "./listen";
import { Marathon } from "./marathon";
import { crash, credentialOf, mastersOf, openZooKeeper, sessionTimeout } from "./mesos";
import { ZooKeeperStore } from "./store";

export const VERSION = "1.11.0-stand-in";

function factsOf(flags: Flags): MarathonFacts {
    const network = flags.get("default_network_name");
    return {
        version: VERSION,
        role: flags.get("mesos_role") ?? "*",
        features: (flags.get("enable_features") ?? "").split(",").filter(Boolean),
        hasPrincipal: flags.has("mesos_authentication_principal"),
        ...(network !== undefined && { defaultNetworkName: network }),
    };
}

async function run(flags: Flags): Promise<void> {
    const log = (line: string): void => void process.stdout.write(`${line}\n`);
    const facts = factsOf(flags);
    const { port, scheme, keystore } = listening(flags, marathonListens);
    const address = `${flags.get("hostname") ?? "localhost"}:${port}`;
    const zk = flags.get("zk") ?? "zk://localhost:2181/marathon";
    const { session, path } = await openZooKeeper(zk, sessionTimeout(flags));
    session.onExpired(() => crash(103, "Lost leadership; crashing"));
    const credential = credentialOf(flags);
    const credentials = flags.get("http_credentials");
    const bind = flags.get("http_address");

    const elected = async (): Promise<Handle> => {
        log("Elected. Leader Ascension");
        const events = new Events();
        const store = new ZooKeeperStore(session, `${path}/state`, (error) => crash(103, `the state cannot be kept: ${String(error)}`));
        const ports = { first: numberFlag(flags, "local_port_min", 10_000), last: numberFlag(flags, "local_port_max", 20_000) };
        const marathon = new Marathon(facts, store, events, ports);
        await marathon.load();
        const launcher: Launcher = new Launcher(marathon, () => scheduler);
        const framework = {
            name: flags.get("framework_name") ?? "marathon",
            user: flags.get("mesos_user") ?? "root",
            roles: [facts.role],
            failoverTimeoutSec: numberFlag(flags, "failover_timeout", 604_800),
            webuiUrl: flags.get("webui_url") ?? `${scheme}://${address}`,
            hostname: flags.get("hostname") ?? "localhost",
        };
        const scheduler = new Scheduler({
            masters: await mastersOf(flags.get("master") ?? "zk://localhost:2181/mesos", sessionTimeout(flags)),
            framework,
            ...(credential && { credential }),
            store: new ZooKeeperIdStore(session, `${path}/framework-id`),
            log,
            handler: {
                subscribed: () => {
                    events.tell("scheduler_registered_event", { frameworkId: scheduler.frameworkId ?? "" });
                    launcher.subscribed();
                },
                offers: (offers) => launcher.offers(offers),
                update: (status) => launcher.update(status),
                disconnected: () => events.tell("scheduler_disconnected_event"),
                tasks: () => launcher.references(),
            },
        });
        const die = (error: unknown): never =>
            crash(106, error instanceof SubscriptionEnded ? error.message : `Mesos: ${String(error)}`);
        scheduler.start().then(() => marathon.start(launcher), die);
        scheduler.ended.catch(die);
        new HealthChecker(marathon);
        const api = new MarathonApi(marathon, {
            leader: () => address,
            // The real one answers, and its process ends with status 103 soon after.
            abdicate: () => setTimeout(() => void session.close().then(() => crash(103, "Lost leadership; crashing")), 500),
            info: () => ({
                name: framework.name,
                version: VERSION,
                buildref: "stand-in",
                elected: true,
                leader: address,
                frameworkId: scheduler.frameworkId ?? null,
                marathon_config: {
                    master: flags.get("master") ?? null,
                    failover_timeout: framework.failoverTimeoutSec,
                    framework_name: framework.name,
                    ha: true,
                    checkpoint: frameworkInfo(framework, undefined, undefined).checkpoint ?? true,
                    local_port_min: ports.first,
                    local_port_max: ports.last,
                    hostname: framework.hostname,
                    webui_url: flags.get("webui_url") ?? null,
                    mesos_role: flags.get("mesos_role") ?? null,
                    mesos_user: framework.user,
                    mesos_authentication_principal: credential?.principal ?? flags.get("mesos_authentication_principal") ?? null,
                    default_network_name: facts.defaultNetworkName ?? null,
                    features: [...facts.features],
                    max_instances_per_offer: 5,
                    new_group_enforce_role: "Off",
                },
                zookeeper_config: { zk: zk.replace(/\/\/.*@/, "//xxxxxxxx:xxxxxxxx@"), zk_max_versions: 50, zk_session_timeout: sessionTimeout(flags) },
                http_config: scheme === "http" ? { http_port: port, https_port: 8443 } : { http_port: 8080, https_port: port },
            }),
        });
        return (question, request, response) => api.handle(question, request, response);
    };
    await join({
        session,
        path: `${path}/leader`,
        address,
        port,
        ...(bind !== undefined && { bind }),
        ...(credentials !== undefined && { credentials }),
        ...(keystore && { keystore }),
        elected,
        redirected: new Set(["/v2/events"]),
        header: "X-Marathon",
    });
    log(`marathon-stand-in ${VERSION} at ${address}`);
}

if (require.main === module) {
    process.on("SIGTERM", () => process.exit(143));
    void Promise.resolve()
        .then(() => run(readFlags("MARATHON_", process.argv.slice(2), process.env)))
        .catch((error: unknown) => crash(1, `marathon-stand-in: ${(error as Error).message}`));
}
