/** The site's own endpoints. Every question has a time limit: a dead host answers nothing at all. */
import { request } from "node:http";
import { connect } from "node:net";
import { ZooKeeperSession } from "../../../frameworks/zookeeper/session";
import { addressOf, QUORUM } from "./hosts";
import { outputs } from "./stack";

/** `standalone`: the only member of an ensemble. */
export type Mode = "leader" | "follower" | "standalone";

/** A four-letter word's answer; "" when there is none. */
export function fourLetterWord(host: string, word: string, timeoutMs = 800): Promise<string> {
    return new Promise((resolve) => {
        let text = "";
        const socket = connect({ host: addressOf(host), port: 2181 });
        const end = (value: string): void => {
            clearTimeout(timer);
            socket.destroy();
            resolve(value);
        };
        const timer = setTimeout(() => end(""), timeoutMs);
        socket.setEncoding("utf8").on("data", (data: string) => (text += data));
        socket.on("connect", () => socket.write(word));
        socket.on("error", () => end(""));
        socket.on("end", () => end(text));
    });
}

/** The part that a ZooKeeper server plays; undefined when it does not serve. */
export async function zookeeperMode(host: string): Promise<Mode | undefined> {
    return /^Mode: (leader|follower|standalone)$/m.exec(await fourLetterWord(host, "srvr"))?.[1] as Mode | undefined;
}

/** A session of 10 s at the site's ensemble, or at some of its members. */
export const openSession = (members: readonly string[] = QUORUM): Promise<ZooKeeperSession> =>
    ZooKeeperSession.open({ servers: members.map((host) => `${addressOf(host)}:2181`), timeoutMs: 10_000 });

export interface Answer {
    /** 0 when there is none. */
    readonly status: number;
    readonly body: string;
    readonly location: string;
}

export interface Question {
    readonly method?: "GET" | "POST";
    readonly auth?: string;
    readonly body?: unknown;
    readonly timeoutMs?: number;
}

/** One HTTP request to a port of a host; it never throws. */
export function ask(host: string, port: number, path: string, question: Question = {}): Promise<Answer> {
    const { method = "GET", auth, body, timeoutMs = 3000 } = question;
    return new Promise((resolve) => {
        const nothing = { status: 0, body: "", location: "" };
        const text = body === undefined ? undefined : JSON.stringify(body);
        const headers = {
            Accept: "application/json",
            ...(text !== undefined && {
                "Content-Type": "application/json",
                "Content-Length": Buffer.byteLength(text),
            }),
        };
        const call = request({
            host: addressOf(host),
            port,
            path,
            method,
            headers,
            agent: false,
            ...(auth && { auth }),
        });
        const timer = setTimeout(() => {
            call.destroy();
            resolve(nothing);
        }, timeoutMs);
        call.on("error", () => {
            clearTimeout(timer);
            resolve(nothing);
        });
        call.on("response", (response) => {
            let answer = "";
            response.setEncoding("utf8").on("data", (data: string) => (answer += data));
            response.on("error", () => undefined);
            response.on("end", () => {
                clearTimeout(timer);
                resolve({
                    status: response.statusCode ?? 0,
                    body: answer,
                    location: response.headers.location ?? "",
                });
            });
        });
        call.end(text);
    });
}

/** Whom a master takes for the leader, by host name; undefined when it does not answer or knows none. */
export async function leaderBy(master: string, timeoutMs = 800): Promise<{ answers: boolean; leader?: string }> {
    const { status, location } = await ask(master, 5050, "/redirect", { timeoutMs });
    const leader = /^(?:https?:)?\/\/([^/:]+)/.exec(location)?.[1];
    return { answers: status !== 0, ...(status === 307 && leader !== undefined && { leader }) };
}

/** The master that says of itself that it leads; it may be one that has joined the usual three. */
export async function leadingMaster(): Promise<string | undefined> {
    const views = await Promise.all(QUORUM.map((master) => leaderBy(master)));
    const named = [...new Set(views.flatMap(({ leader }) => leader ?? []))];
    const own = await Promise.all(named.map((master) => leaderBy(master)));
    return named.find((master, index) => own[index]?.leader === master);
}

export async function operatorAuth(): Promise<string> {
    const { operator } = await outputs();
    return `${operator.principal}:${operator.secret}`;
}

/** A call of the operator API at the leading master; undefined when there is none, or it refuses. */
export async function operatorCall(type: string, parts: object = {}): Promise<Record<string, unknown> | undefined> {
    const leader = await leadingMaster();
    if (leader === undefined) {
        return undefined;
    }
    const question = { method: "POST", auth: await operatorAuth(), body: { type, ...parts } } as const;
    const { status, body } = await ask(leader, 5050, "/api/v1", question);
    if (status !== 200 && status !== 202) {
        return undefined;
    }
    return body === "" ? {} : (JSON.parse(body) as Record<string, unknown>);
}

export interface Agent {
    readonly id: string;
    readonly hostname: string;
    readonly active: boolean;
    readonly attributes: Readonly<Record<string, string>>;
    readonly draining: boolean;
}

interface ApiAgent {
    readonly active: boolean;
    readonly deactivated?: boolean;
    readonly drain_info?: unknown;
    readonly agent_info: {
        readonly id: { readonly value: string };
        readonly hostname: string;
        readonly attributes?: readonly { readonly name: string; readonly text?: { readonly value: string } }[];
    };
}

/** Registered agents, as the leading master knows them; undefined when there is no leader. */
export async function agents(): Promise<Agent[] | undefined> {
    const answer = await operatorCall("GET_AGENTS");
    const list = (answer?.["get_agents"] as { agents?: ApiAgent[] } | undefined)?.agents ?? [];
    return (
        answer &&
        list.map(
            ({ agent_info: { id, hostname, attributes = [] }, active, deactivated = false, drain_info: drain }) => ({
                id: id.value,
                hostname,
                active: active && !deactivated,
                attributes: Object.fromEntries(attributes.map(({ name, text }) => [name, text?.value ?? ""])),
                draining: drain !== undefined,
            }),
        )
    );
}

/** The one active agent of each host, by host name. */
export async function agentIds(): Promise<Record<string, string>> {
    const list = (await agents()) ?? [];
    return Object.fromEntries(list.filter(({ active }) => active).map(({ hostname, id }) => [hostname, id]));
}

/** Whether an agent itself answers. */
export async function agentAnswers(host: string): Promise<boolean> {
    return (await ask(host, 5051, "/health", { timeoutMs: 1500 })).status === 200;
}
