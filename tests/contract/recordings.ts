/**
 * Answers of real servers, and real public definitions, that lie beside the checkout. They are read where they are and never
 * copied; without them the tests that need them are skipped, and the ones on our own definitions still run.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join, resolve } from "node:path";

const shared = [process.env["PULUMI_MESOS_RECORDINGS"] ?? "", resolve(__dirname, "../../../shared")].find(
    (path) => path !== "" && existsSync(join(path, "corpus", "index.tsv")),
);

/** Why there are no recordings; undefined when there are. */
export const noRecordings =
    shared === undefined ? "no recordings beside the checkout (PULUMI_MESOS_RECORDINGS names their folder)" : undefined;

/** A `describe` of what needs the recordings. Without them its body is not run at all: what it makes would outlive the tests. */
export function describeRecorded(name: string, body: () => void): void {
    if (noRecordings === undefined) {
        describe(name, body);
    } else {
        test.skip(`${name}: ${noRecordings}`, () => undefined);
    }
}

export interface Exchange {
    readonly name: string;
    readonly request: {
        readonly method: string;
        readonly path: string;
        readonly headers?: Record<string, string>;
        readonly body?: unknown;
        /** What is no JSON. */
        readonly raw?: unknown;
    };
    readonly response: { readonly status: number; readonly headers: Record<string, string>; readonly body: unknown };
}

/** All exchanges of one recorded server, in their order. */
export function exchanges(server: string): Exchange[] {
    if (shared === undefined) return [];
    const folder = join(shared, "ground", "marathon", "contract", server);
    return readdirSync(folder)
        .filter((name) => name.endsWith(".json"))
        .sort()
        .map((name) => ({
            ...(JSON.parse(readFileSync(join(folder, name), "utf8")) as Exchange),
            name: name.replace(".json", ""),
        }));
}

/** Sends what was recorded to a server here; `here` says what ids and versions of the recording are called here. */
export async function replay(
    server: Server,
    { request }: Exchange,
    here: ReadonlyMap<string, string>,
): Promise<{ readonly status: number; readonly headers: Headers; readonly body: unknown }> {
    let { path } = request;
    here.forEach((to, from) => (path = path.replaceAll(from, to)));
    const given = request.body ?? request.raw;
    const body = typeof given === "string" ? given : JSON.stringify(given);
    const answer = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`, {
        method: request.method,
        headers: { ...request.headers },
        ...(given !== undefined && given !== null && request.method !== "GET" && { body }),
    });
    const text = await answer.text();
    return {
        status: answer.status,
        headers: answer.headers,
        body: /^\s*[[{]/.test(text) ? (JSON.parse(text) as unknown) : text,
    };
}

export interface Answer {
    readonly status: number;
    readonly body: unknown;
}

export interface Sample {
    /** E.g. "apps/001-check-http.json". */
    readonly file: string;
    readonly kind: "apps" | "groups" | "pods" | "jobs";
    readonly text: string;
    readonly post: Answer;
    readonly get?: Answer;
    readonly get2?: Answer;
    /** The same on a server with `--mesos_role slave_public`. */
    readonly otherRole?: { readonly post: Answer; readonly get?: Answer };
}

/** Every public definition with what the real server said. */
export function corpus(): Sample[] {
    if (shared === undefined) return [];
    const folder = join(shared, "corpus");
    return readdirSync(join(folder, "answers"))
        .sort()
        .map((name) => {
            const answer = JSON.parse(readFileSync(join(folder, "answers", name), "utf8")) as Sample & {
                with_mesos_role_slave_public?: Sample["otherRole"];
            };
            const { file, post, get, get2, with_mesos_role_slave_public: otherRole } = answer;
            return {
                file,
                kind: file.split("/")[0] as Sample["kind"],
                text: readFileSync(join(folder, file), "utf8"),
                post,
                ...(get && { get }),
                ...(get2 && { get2 }),
                ...(otherRole && { otherRole }),
            };
        });
}
