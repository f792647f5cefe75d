/**
 * mesos-workqueue: gives Work Queue projects workers on Mesos.
 *
 *     mesos-workqueue /etc/mesos-workqueue.yaml      # or the text itself in WORKQUEUE_CONFIG
 *     mesos-workqueue --check /etc/mesos-workqueue.yaml
 */
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { MastersList, readCredential, SubscriptionEnded, ZooKeeperIdStore, ZooKeeperMasters } from "../scheduler";
import { parseZooKeeperAddress } from "../zookeeper/address";
import { ZooKeeperSession } from "../zookeeper/session";
import { BadConfiguration, type Config, readConfig } from "./config";
import { WorkQueueFramework } from "./framework";
import { stand } from "./leader";
import type { Report } from "./report";
import { readDigest, readPassword } from "./secrets";
import { serve } from "./server";

declare const PULUMI_MESOS_VERSION: string | undefined;
const VERSION = typeof PULUMI_MESOS_VERSION === "undefined" ? "unbuilt" : PULUMI_MESOS_VERSION;

/** As long as ZooKeeper keeps the place of an instance that was killed, and so the longest that another one waits for it. */
const SESSION_MS = 6000;

/** Exit statuses, for whoever supervises it. */
const EXIT = { badConfiguration: 2, sessionLost: 103, subscriptionEnded: 106 } as const;

const log = (line: string): void => void process.stdout.write(`${line}\n`);

function end(status: number, message: string): never {
    process.stderr.write(`${message}\n`);
    process.exit(status);
}

const USAGE = "usage: mesos-workqueue [--check] FILE, or the configuration itself in WORKQUEUE_CONFIG";

function configText(argv: readonly string[]): string {
    const [file, more] = argv;
    const inline = process.env["WORKQUEUE_CONFIG"];
    if (more !== undefined || file?.startsWith("-") === true || (file === undefined) === (inline === undefined)) {
        end(EXIT.badConfiguration, USAGE);
    }
    return inline ?? readFileSync(file ?? "", "utf8");
}

async function run(config: Config): Promise<void> {
    const { principal, secretFile, secretEnv, passwordFile, zookeeperDigestFile, http } = config;
    // Every secret is looked at before anything is begun.
    const credential =
        principal === undefined
            ? undefined
            : readCredential(
                  secretFile === undefined ? { principal, secretEnv: secretEnv ?? "" } : { principal, secretFile },
              );
    const password = passwordFile === undefined ? undefined : readPassword(passwordFile);
    const digest = zookeeperDigestFile === undefined ? undefined : readDigest(zookeeperDigestFile);
    const { servers, path } = parseZooKeeperAddress(config.zookeeper);
    const open = { timeoutMs: SESSION_MS, ...(digest && { digest }) };
    const session = await ZooKeeperSession.open({ servers, ...open });
    session.onExpired(() => end(EXIT.sessionLost, "ZooKeeper has given this instance up: another one may lead"));

    const address = config.advertise ?? `${hostname()}:${http.port}`;
    const now: { framework?: WorkQueueFramework } = {};
    let leader = (): string | undefined => undefined;
    const report = (): Report =>
        now.framework?.report({ leader: address, version: VERSION }) ?? {
            name: config.name,
            version: VERSION,
            leader: leader(),
            leads: false,
            troubles: leader() === undefined ? ["no instance leads at present"] : [],
        };
    await serve(http.bind, http.port, report);
    log(`mesos-workqueue ${VERSION}, ${config.name}: http://${address}/`);
    const election = await stand(session, `${path}/leader`, address);
    leader = election.leader;
    await election.elected;
    log("leads");

    const { masters } = config;
    const zk = typeof masters === "string" ? parseZooKeeperAddress(masters) : undefined;
    const detector =
        zk === undefined
            ? new MastersList(masters as string[])
            : new ZooKeeperMasters(
                  await ZooKeeperSession.open({ servers: zk.servers, timeoutMs: SESSION_MS }),
                  zk.path,
              );
    const store = new ZooKeeperIdStore(session, `${path}/framework-id`);
    const framework = new WorkQueueFramework({
        config,
        masters: detector,
        store,
        ...(credential && { credential }),
        ...(password !== undefined && { password }),
        webuiUrl: `http://${address}/`,
        log,
    });
    now.framework = framework;
    const ended = async (error: unknown): Promise<never> => {
        if (error instanceof SubscriptionEnded && error.kind === "removed") {
            // Workers hold nothing that is not the managers': a new framework simply starts new ones.
            await store.clear();
            end(
                EXIT.subscriptionEnded,
                `${error.message}\nThe id has been removed; the next start is a new framework.`,
            );
        }
        return end(EXIT.subscriptionEnded, error instanceof Error ? error.message : String(error));
    };
    framework.scheduler.ended.catch(ended);
    const leave = (signal: string): void => {
        log(`${signal}: workers stay`);
        void framework.stop().then(
            () => session.close().then(() => process.exit(0)),
            () => process.exit(0),
        );
    };
    process.on("SIGTERM", leave).on("SIGINT", leave);
    await framework.start().catch(ended);
}

async function main(argv: readonly string[]): Promise<void> {
    const check = argv[0] === "--check";
    const config = readConfig(configText(check ? argv.slice(1) : argv));
    if (check) {
        log("the configuration has no fault");
        return;
    }
    await run(config);
}

if (require.main === module) {
    main(process.argv.slice(2)).catch((error: unknown) =>
        end(error instanceof BadConfiguration ? EXIT.badConfiguration : 1, (error as Error).message),
    );
}
