/** What the programs of all our frameworks do: of several instances one leads, under an id that outlives them all. */
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import {
    type Credential,
    type FrameworkIdStore,
    type LeaderDetector,
    MastersList,
    readCredential,
    type Scheduler,
    SubscriptionEnded,
    ZooKeeperIdStore,
    ZooKeeperMasters,
} from "../scheduler";
import { parseZooKeeperAddress } from "../zookeeper/address";
import { ZooKeeperSession } from "../zookeeper/session";
import { BadConfiguration } from "./config";
import { stand } from "./leader";
import { readDigest } from "./secrets";

/** As long as ZooKeeper keeps the place of an instance that was killed, and so the longest that another one waits for it. */
const SESSION_MS = 6000;

/** Exit statuses, for whoever supervises it. */
const EXIT = { badConfiguration: 2, sessionLost: 103, subscriptionEnded: 106 } as const;

export const log = (line: string): void => void process.stdout.write(`${line}\n`);

export function end(status: number, message: string): never {
    process.stderr.write(`${message}\n`);
    process.exit(status);
}

export interface Connection {
    readonly name: string;
    readonly masters: string | readonly string[];
    readonly zookeeper: string;
    readonly zookeeperDigestFile?: string | undefined;
    readonly principal?: string | undefined;
    readonly secretFile?: string | undefined;
    readonly secretEnv?: string | undefined;
    readonly advertise?: string | undefined;
    readonly http: { readonly bind: string; readonly port: number };
}

/** The part of a framework that its program needs. */
export interface Framework {
    readonly scheduler: Pick<Scheduler, "ended">;
    start(): Promise<void>;
    /** Hangs up; tasks stay. */
    stop(): Promise<void>;
}

/** What a framework is made of when its instance leads. */
export interface Parts {
    readonly masters: LeaderDetector;
    readonly store: FrameworkIdStore;
    readonly credential?: Credential;
    readonly webuiUrl: string;
    readonly log: (line: string) => void;
    /** For what else it keeps, below {@link path}. */
    readonly session: ZooKeeperSession;
    readonly path: string;
}

/** What an instance tells of itself, before it leads and then. */
export interface Instance<F> {
    /** `host:port` that others reach it at. */
    readonly address: string;
    /** `host:port` of the one that leads; undefined while none is known. */
    readonly leader: () => string | undefined;
    /** Undefined until it leads. */
    readonly framework: () => F | undefined;
}

export interface Program<F extends Framework> {
    readonly program: string;
    readonly version: string;
    readonly config: Connection;
    /** Begins to answer by HTTP. */
    readonly serve: (instance: Instance<F>) => Promise<unknown>;
    readonly make: (parts: Parts) => F;
    /** For the log: what goes on when it is told to end. */
    readonly stays: string;
}

function detectorOf(masters: Connection["masters"]): Promise<LeaderDetector> | LeaderDetector {
    if (typeof masters !== "string") {
        return new MastersList([...masters]);
    }
    const { servers, path } = parseZooKeeperAddress(masters);
    return ZooKeeperSession.open({ servers, timeoutMs: SESSION_MS }).then(
        (session) => new ZooKeeperMasters(session, path),
    );
}

function credentialOf({ principal, secretFile, secretEnv }: Connection): Credential | undefined {
    return principal === undefined
        ? undefined
        : readCredential(
              secretFile === undefined ? { principal, secretEnv: secretEnv ?? "" } : { principal, secretFile },
          );
}

/** Stands for election, and runs the framework from when it is elected until it is told to end. */
export async function runFramework<F extends Framework>({
    program,
    version,
    config,
    serve,
    make,
    stays,
}: Program<F>): Promise<void> {
    // Every secret is looked at before anything is begun.
    const credential = credentialOf(config);
    const digest = config.zookeeperDigestFile === undefined ? undefined : readDigest(config.zookeeperDigestFile);
    const { servers, path } = parseZooKeeperAddress(config.zookeeper);
    const session = await ZooKeeperSession.open({ servers, timeoutMs: SESSION_MS, ...(digest && { digest }) });
    session.onExpired(() => end(EXIT.sessionLost, "ZooKeeper has given this instance up: another one may lead"));

    const address = config.advertise ?? `${hostname()}:${config.http.port}`;
    const now: { framework?: F; leader: () => string | undefined } = { leader: () => undefined };
    await serve({ address, leader: () => now.leader(), framework: () => now.framework });
    log(`${program} ${version}, ${config.name}: http://${address}/`);
    const election = await stand(session, `${path}/leader`, address);
    now.leader = election.leader;
    await election.elected;
    log("leads");

    const store = new ZooKeeperIdStore(session, `${path}/framework-id`);
    const framework = make({
        masters: await detectorOf(config.masters),
        store,
        ...(credential && { credential }),
        webuiUrl: `http://${address}/`,
        log,
        session,
        path,
    });
    now.framework = framework;
    const ended = async (error: unknown): Promise<never> => {
        if (error instanceof SubscriptionEnded && error.kind === "removed") {
            // Its tasks went with it, and nothing else was kept under that id: a new framework starts new ones.
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
        log(`${signal}: ${stays}`);
        void framework.stop().then(
            () => session.close().then(() => process.exit(0)),
            () => process.exit(0),
        );
    };
    process.on("SIGTERM", leave).on("SIGINT", leave);
    await framework.start().catch(ended);
}

/** The text of the file that the program is called with, or of an environment variable in its place. */
export function configText(argv: readonly string[], program: string, inlineVariable: string): string {
    const [file, more] = argv;
    const inline = process.env[inlineVariable];
    if (more !== undefined || file?.startsWith("-") === true || (file === undefined) === (inline === undefined)) {
        end(
            EXIT.badConfiguration,
            `usage: ${program} [--check] FILE, or the configuration itself in ${inlineVariable}`,
        );
    }
    return inline ?? readFileSync(file ?? "", "utf8");
}

/** Ends the process with the status and the message that a fault asks for. */
export const failed = (error: unknown): never =>
    end(error instanceof BadConfiguration ? EXIT.badConfiguration : 1, (error as Error).message);
