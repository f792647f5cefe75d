/** Clients over HTTPS, against servers that have their certificate from the keystore that a host's unit makes. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Answer, type Question, serve } from "../../../lab/marathon/http";
import { listening, marathonListens, metronomeListens } from "../../../lab/marathon/listen";
import { EventStream } from "../../../provider/clients/eventStream";
import { HttpGroup } from "../../../provider/clients/http";
import { schedulerClient } from "../../../provider/clients/schedulers";
import { Authority } from "../../fakes/authority";
import { changed, planOf } from "../site/sites";

const authority = new Authority("Site CA");
const successor = new Authority("Next CA");
const dir = mkdtempSync(join(tmpdir(), "https-"));
const servers: Server[] = [];

afterAll(async () => {
    for (const server of servers) {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
    }
    authority.remove();
    successor.remove();
    rmSync(dir, { recursive: true });
});

/** What the unit of the plan does before the server starts, with this folder in place of the host's. */
function makeKeystore(): { readonly path: string; readonly passphrase: string } {
    const { certificate, key } = authority.sign(["IP:127.0.0.1", "IP:10.0.0.1"]);
    const tls = { certificate, keySecret: "k", ca: `${authority.ca}${successor.ca}` };
    const frameworks = { marathon: { roles: ["services"], users: ["www"] } };
    const [member] = planOf(changed({ frameworks, marathon: { members: ["bm1"], tls } })).schedulers[0]?.members ?? [];
    const here = (path: string): string => join(dir, path.replaceAll("/", "_"));
    for (const [path, { content }] of Object.entries(member?.files ?? {}))
        writeFileSync(here(path), content.replace("@@secret:k@@", key.trim()));
    const unit = member?.files["/etc/systemd/system/marathon.service"]?.content ?? "";
    const [, program = ""] = /^ExecStartPre=(.*)$/m.exec(unit) ?? [];
    const script = readFileSync(here(program), "utf8").replace(/\/(etc|run)\/marathon\/[\w.-]+/g, here);
    const passphrase = "p455word";
    const env = { PATH: process.env["PATH"], MARATHON_SSL_KEYSTORE_PASSWORD: passphrase };
    // At every start anew.
    for (let start = 0; start < 2; start++) execFileSync("sh", ["-c", script], { env, stdio: "ignore" });
    return { path: here("/run/marathon/keystore.p12"), passphrase };
}

const keystore = makeKeystore();

test("Java trusts every authority, as it must to hand a question on to a leader with another certificate; nothing else is left", () => {
    const list = ["-list", "-keystore", keystore.path, "-storepass:env", "PASSWORD"];
    const env = { PATH: process.env["PATH"], PASSWORD: keystore.passphrase };
    const kinds = execFileSync("keytool", list, { env, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).match(
        /\w+Entry/g,
    );
    expect(kinds?.sort()).toEqual(["PrivateKeyEntry", "trustedCertEntry", "trustedCertEntry"]);
    expect(readdirSync(dir).filter((name) => name.includes("keystore."))).toEqual(["_run_marathon_keystore.p12"]);
});

async function start(answer: (question: Question) => Answer): Promise<string> {
    const handle = (question: Question): Promise<Answer> => Promise.resolve(answer(question));
    const server = serve(handle, "me:secret", { pfx: readFileSync(keystore.path), passphrase: keystore.passphrase });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const login = { username: "me", password: "secret" };
const patience = { answerMs: 2000, failoverMs: 5000, retryMs: 50 };

test("a server is asked with its authority's certificate, and its redirect to the leader followed with the credentials", async () => {
    const leader = await start(({ method, text }) => ({ status: 200, body: { method, text } }));
    const standby = await start(({ path }) => ({ status: 302, headers: { Location: `${leader}${path}` } }));
    const http = new HttpGroup("Marathon", { urls: [standby], ca: authority.ca, ...login }, patience);
    expect(await http.ask("PUT", "/v2/apps", { a: 1 })).toMatchObject({
        status: 200,
        body: { method: "PUT", text: '{"a":1}' },
    });
    expect(await http.tryGet("/v2/info", 1000)).toMatchObject({ method: "GET" });
});

test("a certificate of somebody else is refused at once, with the fix; another server may have a good one", async () => {
    const url = await start(() => ({ status: 200, body: {} }));
    const stranger = new Authority("Other CA");
    const began = Date.now();
    for (const ca of [{}, { ca: stranger.ca }])
        await expect(
            new HttpGroup("Marathon", { urls: [url], ...login, ...ca }, patience).ask("GET", "/v2/apps"),
        ).rejects.toThrow(
            /its certificate is refused, [A-Z_]+\n {2}fix: give the certificate of the authority that has signed it as `ca`, or renew it$/,
        );
    expect(Date.now() - began).toBeLessThan(patience.failoverMs);
    stranger.remove();
    // By a name that its certificate does not have; then by one that it has.
    const urls = [url.replace("127.0.0.1", "localhost"), url];
    const http = new HttpGroup("Marathon", { urls, ca: authority.ca, ...login }, patience);
    expect(await http.ask("POST", "/v2/apps", {})).toMatchObject({ status: 200 });
});

test("events come over HTTPS from the leader", async () => {
    const leader = await start(() => ({
        status: 200,
        body: "event: deployment_success\ndata: {}\n\n",
        type: "text/event-stream",
    }));
    const standby = await start(({ path }) => ({ status: 302, headers: { Location: `${leader}${path}` } }));
    const events = new EventStream(new HttpGroup("Marathon", { urls: [standby], ca: authority.ca, ...login }));
    let woken = 0;
    const unlisten = events.listen(() => woken++);
    for (let tries = 0; woken < 2 && tries < 100; tries++) await new Promise((resolve) => setTimeout(resolve, 20));
    unlisten();
    expect(woken).toBeGreaterThanOrEqual(2);
});

test("the rollout's question who leads goes over HTTPS too", async () => {
    const url = await start(() => ({ status: 200, body: { leader: "10.0.0.1:8443" } }));
    const as = { principal: "me", secret: "secret" };
    expect(await schedulerClient.health(url, "marathon", as, authority.ca)).toEqual({ leader: "10.0.0.1:8443" });
    expect(await schedulerClient.health(url, "marathon", as)).toBeUndefined();
});

test("the stand-ins take the flags of the real ones", () => {
    const marathon = {
        ssl_keystore_path: keystore.path,
        ssl_keystore_password: "x",
        https_port: "9",
        disable_http: "",
    };
    const flags = (all: Readonly<Record<string, string>>): Map<string, string> => new Map(Object.entries(all));
    expect(listening(flags(marathon), marathonListens)).toMatchObject({ port: 9, scheme: "https" });
    expect(listening(flags({}), marathonListens)).toEqual({ port: 8080, scheme: "http" });
    expect(listening(flags({ play_server_http_port: "9001" }), metronomeListens)).toEqual({
        port: 9001,
        scheme: "http",
    });
    expect(() => listening(flags({ play_server_http_port: "disabled" }), metronomeListens)).toThrow("HTTP is off");
    const both = flags(marathon);
    both.delete("disable_http");
    expect(() => listening(both, marathonListens)).toThrow("HTTP or HTTPS, not both");
});
