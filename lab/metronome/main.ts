/**
 * metronome-stand-in: answers as Metronome 0.6 was recorded to answer, and runs its jobs on Mesos. For the lab only: a real
 * Metronome cannot be had there. It is not Metronome and holds none of its code.
 */
import { Scheduler, SubscriptionEnded, ZooKeeperIdStore } from "../../frameworks/scheduler";
import { readFlags } from "../marathon/flags";
import type { Handle } from "../marathon/http";
import { join } from "../marathon/leadership";
import { listening, metronomeListens } from "../marathon/listen";
import { crash, credentialOf, mastersOf, openZooKeeper, sessionTimeout } from "../marathon/mesos";
import { ZooKeeperStore } from "../marathon/store";
import { MetronomeApi } from "./api";
import { JobLauncher } from "./launcher";
import { Metronome } from "./metronome";

const VERSION = "0.6.48-stand-in";

/** By the names of the real one's environment: METRONOME_ZK_URL, METRONOME_MESOS_MASTER_URL, … */
async function run(env: NodeJS.ProcessEnv): Promise<void> {
    const log = (line: string): void => void process.stdout.write(`${line}\n`);
    const flags = readFlags("METRONOME_", [], env);
    const { port, scheme, keystore } = listening(flags, metronomeListens);
    const hostname = flags.get("hostname") ?? flags.get("leader_election_hostname") ?? "localhost";
    const address = `${hostname}:${port}`;
    const { session, path } = await openZooKeeper(flags.get("zk_url") ?? "zk://localhost:2181/metronome", sessionTimeout(flags));
    session.onExpired(() => crash(103, "Lost leadership; crashing"));
    const credential = credentialOf(flags);
    const elected = async (): Promise<Handle> => {
        log("Elected");
        const store = new ZooKeeperStore(session, `${path}/state`, (error) => crash(103, `the state cannot be kept: ${String(error)}`));
        const metronome = new Metronome(store);
        await metronome.load();
        const launcher: JobLauncher = new JobLauncher(metronome, () => scheduler);
        const scheduler = new Scheduler({
            masters: await mastersOf(flags.get("mesos_master_url") ?? "zk://localhost:2181/mesos", sessionTimeout(flags)),
            framework: {
                name: flags.get("framework_name") ?? "metronome",
                user: flags.get("mesos_user") ?? "root",
                roles: [flags.get("mesos_role") ?? "*"],
                webuiUrl: flags.get("web_ui_url") ?? `${scheme}://${address}`,
                hostname,
            },
            ...(credential && { credential }),
            store: new ZooKeeperIdStore(session, `${path}/framework-id`),
            log,
            handler: {
                subscribed: () => launcher.subscribed(),
                offers: (offers) => launcher.offers(offers),
                update: (status) => launcher.update(status),
                tasks: () => launcher.references(),
            },
        });
        const die = (error: unknown): never =>
            crash(106, error instanceof SubscriptionEnded ? error.message : `Mesos: ${String(error)}`);
        scheduler.start().then(() => metronome.start(launcher), die);
        scheduler.ended.catch(die);
        return new MetronomeApi(metronome, { leader: () => address, version: VERSION }).handle;
    };
    const credentials = flags.get("http_credentials");
    await join({
        session,
        path: `${path}/leader`,
        address,
        port,
        ...(credentials !== undefined && { credentials }),
        ...(keystore && { keystore }),
        elected,
        redirected: new Set(),
        header: "X-Metronome",
    });
    log(`metronome-stand-in ${VERSION} at ${address}`);
}

if (require.main === module) {
    process.on("SIGTERM", () => process.exit(143));
    void run(process.env).catch((error: unknown) => crash(1, `metronome-stand-in: ${(error as Error).message}`));
}
