/** Marathon, Metronome and what runs on them, as the end-to-end tests declare it, and their own words about it. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { addressOf, on, QUORUM } from "./hosts";
import { copyDir } from "./places";
import { declare, type Site } from "./stack";
import { eventually } from "./steps";

export const [FIRST, SECOND, METRONOME_HOST] = QUORUM;
/** Marathon's. */
export const SERVERS = [FIRST, SECOND] as const;
export const MARATHON_PORT = 8180;
export const METRONOME_PORT = 9180;
const FOLDERS = { apps: "e2e-apps", jobs: "e2e-jobs" };

/** Writes a definition into the stack's folder of apps or jobs. */
export function write(folder: keyof typeof FOLDERS, name: string, definition: unknown): void {
    const file = join(copyDir(), FOLDERS[folder], `${name}.json`);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, JSON.stringify(definition));
}

export function removeDefinition(folder: keyof typeof FOLDERS, name: string): void {
    rmSync(join(copyDir(), FOLDERS[folder], `${name}.json`), { force: true });
}

export function removeDefinitions(): void {
    for (const folder of Object.values(FOLDERS)) {
        rmSync(join(copyDir(), folder), { recursive: true, force: true });
    }
}

/** The lab's site with both services, on the lab's stand-ins; `change` adds to it. */
export function declareServices(
    { settings = {}, timeoutSec = 180 }: { readonly settings?: object; readonly timeoutSec?: number } = {},
    change: (site: Site) => void = () => undefined,
): void {
    declare((site) => {
        Object.assign(site, {
            marathon: {
                members: [...SERVERS],
                package: { name: "marathon-stand-in" },
                program: "/usr/bin/marathon-stand-in",
                port: MARATHON_PORT,
                timeoutSec,
                onFailure: "rollBack",
                settings,
            },
            metronome: {
                members: [METRONOME_HOST],
                package: { name: "metronome-stand-in" },
                program: "/usr/bin/metronome-stand-in",
                principal: "marathon",
                port: METRONOME_PORT,
            },
            apps: [FOLDERS.apps],
            jobs: [FOLDERS.jobs],
            quotas: { services: { limits: { cpus: 2 } } },
        });
        change(site);
    });
}

export interface Task {
    readonly id: string;
    readonly appId: string;
    readonly state: string;
    readonly host: string;
    readonly ports: readonly number[];
}

export interface App {
    readonly id: string;
    readonly cmd: string;
    readonly instances: number;
    readonly tasksHealthy: number;
    readonly tasksRunning: number;
    readonly deployments: readonly unknown[];
}

let password = "";

/** The password that was generated for Marathon's API, as its server has it. */
export async function marathonPassword(): Promise<string> {
    const text = await on(SERVERS[0], "cat /etc/marathon/marathon-secrets.env");
    password = /^MARATHON_HTTP_CREDENTIALS=marathon:(\w+)$/m.exec(text)?.[1] ?? "";
    return password;
}

export interface Said {
    readonly status: number;
    readonly body: unknown;
}

async function question(url: string, method: string, body: unknown, headers: Record<string, string>): Promise<Said> {
    const answer = await fetch(url, {
        method,
        headers: { Accept: "application/json", "Content-Type": "application/json", ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(10_000),
    });
    const text = await answer.text();
    return { status: answer.status, body: /^\s*[[{]/.test(text) ? JSON.parse(text) : text };
}

/** No leader, or it went while it answered. */
const NOBODY = new Set([502, 503, 504]);

/**
 * Asks every server in turn until one answers, as real clients do: one that was just killed, or is about to start again, refuses,
 * and one that knows no leader cannot tell. What cannot be asked twice (POST) is asked the first server, once.
 */
async function inTurn(
    servers: readonly string[],
    method: string,
    put: (server: string) => Promise<Said>,
): Promise<Said> {
    if (method === "POST") {
        return put(servers[0] ?? "");
    }
    let turn = 0;
    let last = "";
    return eventually(
        `${servers.join(" or ")} answers`,
        async () => {
            const server = servers[turn++ % servers.length] ?? "";
            try {
                const said = await put(server);
                last = `${server}: HTTP ${said.status}`;
                return NOBODY.has(said.status) ? undefined : said;
            } catch (error) {
                last = `${server}: ${String((error as Error).cause ?? error)}`;
                return undefined;
            }
        },
        { timeoutSec: 60 },
        () => `(${last})`,
    );
}

/** Asks Marathon; whichever server answers hands the question on to the leader. */
export function askMarathon(
    path: string,
    { method = "GET", body }: { method?: string; body?: unknown } = {},
): Promise<Said> {
    const login = Buffer.from(`marathon:${password}`).toString("base64");
    const headers: Record<string, string> = password === "" ? {} : { Authorization: `Basic ${login}` };
    return inTurn(SERVERS, method, (server) =>
        question(`http://${addressOf(server)}:${MARATHON_PORT}${path}`, method, body, headers),
    );
}

export const askMetronome = (path: string, method = "GET", body?: unknown): Promise<Said> =>
    inTurn([METRONOME_HOST], method, (server) =>
        question(`http://${addressOf(server)}:${METRONOME_PORT}${path}`, method, body, {}),
    );

async function changed(asked: Promise<Said>, what: string): Promise<void> {
    const { status, body } = await asked;
    if (status < 200 || status > 299) {
        throw new Error(`${what}: HTTP ${status} ${JSON.stringify(body)}`);
    }
}

/** A change behind the stack's back, that must be taken. */
export const changeMarathon = (path: string, method: "PUT" | "DELETE", body?: unknown): Promise<void> =>
    changed(askMarathon(path, { method, body }), `${method} ${path}`);

export const changeMetronome = (path: string, method: "PUT" | "DELETE", body?: unknown): Promise<void> =>
    changed(askMetronome(path, method, body), `${method} ${path}`);

/** The server that leads; undefined while none does. */
export async function leaderOf(): Promise<(typeof SERVERS)[number] | undefined> {
    const { leader = "" } = (await askMarathon("/v2/leader")).body as { leader?: string };
    return SERVERS.find((one) => leader === `${addressOf(one)}:${MARATHON_PORT}` || leader.startsWith(`${one}:`));
}

export const appNow = async (id: string): Promise<App> => {
    const { status, body } = await askMarathon(`/v2/apps/${id}`);
    if (status !== 200) {
        throw new Error(`/v2/apps/${id}: HTTP ${status} ${JSON.stringify(body)}`);
    }
    return (body as { app: App }).app;
};

/** Ids of all running tasks. */
export const runningTasks = async (): Promise<string[]> =>
    ((await askMarathon("/v2/tasks")).body as { tasks: Task[] }).tasks
        .filter(({ state }) => state === "TASK_RUNNING")
        .map(({ id }) => id)
        .sort();
