/** The store as others see it: rsync and git by their own servers, its page by HTTP. */
import { type ChildProcess, spawn } from "node:child_process";
import { createReadStream, lstatSync, readdirSync, writeFileSync } from "node:fs";
import { createServer, type Server, type ServerResponse } from "node:http";
import { join } from "node:path";
import type { StoreConfig } from "./declaration";
import { metricsOf, pageOf, runPageOf } from "./report";
import type { Store } from "./store";

/** What rsync is told: everybody reads the store; who knows the password leaves files in `incoming`, and cannot read them back. */
export const rsyncdText = (
    { dir, ports, user, secretsFile }: StoreConfig,
    // It would become nobody, whose the folders are not.
    asRoot = process.getuid?.() === 0,
): string => `port = ${ports.rsync}
use chroot = no
${asRoot ? "uid = root\ngid = root\n" : ""}list = no
max connections = 100
lock file = ${dir}/rsyncd.lock

[store]
path = ${dir}/store
read only = yes
munge symlinks = no

[incoming]
path = ${dir}/incoming
read only = no
write only = yes
auth users = ${user}
secrets file = ${secretsFile}
munge symlinks = yes
refuse options = delete links hard-links devices specials
`;

/** Files below a folder, without following links. */
export function filesBelow(dir: string, prefix = ""): string[] {
    const entries = lstatSync(dir, { throwIfNoEntry: false })?.isDirectory() === true ? readdirSync(dir) : [];
    return entries.sort().flatMap((name) => {
        const stat = lstatSync(join(dir, name), { throwIfNoEntry: false });
        if (stat?.isDirectory() === true) return filesBelow(join(dir, name), `${prefix}${name}/`);
        return stat?.isFile() === true ? [`${prefix}${name}`] : [];
    });
}

function sendFile(path: string, response: ServerResponse): void {
    const stream = createReadStream(path);
    stream.once("error", () => response.destroy());
    stream.once("open", () => {
        // Whatever a build has written is shown, and never run.
        response.writeHead(200, { "Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff" });
        stream.pipe(response);
    });
}

type Answer = readonly [status: number, type: string, body: string] | { readonly file: string };
const missing: Answer = [404, "text/plain", "there are /, /status.json, /metrics, /health and /results/RUN/\n"];

/** What a path is answered with. */
export function answer(path: string, store: Store): Answer {
    switch (path) {
        case "/":
            return [200, "text/html; charset=utf-8", pageOf(store.status())];
        case "/status.json":
            return [200, "application/json", `${JSON.stringify(store.status(), undefined, 2)}\n`];
        case "/metrics":
            return [200, "text/plain; version=0.0.4; charset=utf-8", metricsOf(store.status())];
        case "/health":
            return [200, "text/plain", "keeps\n"];
        default:
            return resultOf(path, store);
    }
}

function resultOf(path: string, store: Store): Answer {
    const [, top, name = "", ...rest] = path.split("/");
    const run = top === "results" ? store.runOf(name) : undefined;
    if (run === undefined) return missing;
    const folder = store.at(run.state === "running" ? "incoming" : "results", name);
    const wanted = rest.join("/");
    if (wanted === "run.json") return [200, "application/json", `${JSON.stringify(run, undefined, 2)}\n`];
    const files = filesBelow(folder).filter((file) => file.startsWith("log/"));
    if (wanted === "") return [200, "text/html; charset=utf-8", runPageOf(run, files)];
    // Only what is in the list is handed out, so no path leads elsewhere.
    return files.includes(wanted) ? { file: join(folder, wanted) } : missing;
}

/** @returns when it listens */
export async function servePage(port: number, store: Store): Promise<Server> {
    const server = createServer((request, response) => {
        request.resume();
        const given = answer(decodeURI((request.url ?? "/").split("?")[0] ?? "/"), store);
        if ("file" in given) {
            sendFile(given.file, response);
            return;
        }
        const [status, type, body] = given;
        response.writeHead(status, { "Content-Type": type, "Content-Length": Buffer.byteLength(body) });
        response.end(body);
    });
    await new Promise<void>((resolve, reject) => server.once("error", reject).listen(port, resolve));
    return server;
}

/** Starts the servers of packages and of sources. @param ended is called when one of them ends */
export function startServers(config: StoreConfig, ended: (what: string) => void): ChildProcess[] {
    const { dir, ports } = config;
    const file = join(dir, "rsyncd.conf");
    writeFileSync(file, rsyncdText(config));
    const mirror = join(dir, "mirror");
    const servers: [string, string[]][] = [
        ["rsync", ["--daemon", "--no-detach", `--config=${file}`, "--log-file=/dev/null"]],
        ["git", ["daemon", "--reuseaddr", `--port=${ports.git}`, "--export-all", `--base-path=${mirror}`, mirror]],
    ];
    return servers.map(([program, args]) => {
        const child = spawn(program, args, { stdio: ["ignore", "inherit", "inherit"] });
        child.once("error", ({ message }) => ended(`${program}: ${message}`));
        child.once("exit", (code, signal) => ended(`${program} has ended (${code ?? signal})`));
        return child;
    });
}
