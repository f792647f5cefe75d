/** Marathon and Metronome over HTTPS, with a certificate of the site's own authority: the lab's stand-ins, on real hosts. */
import { Resolver } from "node:dns/promises";
import { HttpGroup } from "../../provider/clients/http";
import { Authority, type Signed } from "../fakes/authority";
import { addressOf, on } from "./support/hosts";
import { copyDir } from "./support/places";
import { must } from "./support/processes";
import { allSecrets } from "./support/secrets";
import { restore } from "./support/site";
import { preview, pulumi, up } from "./support/stack";
import { eventually, tell } from "./support/steps";
import {
    declareServices,
    FIRST,
    MARATHON_PORT,
    marathonPassword,
    METRONOME_HOST,
    METRONOME_PORT,
    removeDefinitions,
    SERVERS,
    write,
} from "./support/work";

const authority = new Authority("Site CA");
const hosts = [...new Set([...SERVERS, METRONOME_HOST])];
const sign = (): Signed => authority.sign(hosts.map((host) => `IP:${addressOf(host)}`));

beforeAll(restore);
beforeEach(() => tell(`▸ ${expect.getState().currentTestName ?? ""}`));
afterAll(async () => {
    authority.remove();
    removeDefinitions();
    await restore();
});

/** The site with this certificate, and its key among the stack's secrets. */
async function declareSecure({ certificate }: Signed, key: string): Promise<void> {
    declareServices({}, (site) => {
        const tls = { certificate, keySecret: "e2e-tls-key", ca: authority.ca };
        Object.assign(site["marathon"] as object, { tls });
        Object.assign(site["metronome"] as object, { tls });
        site["discovery"] = { hosts: [FIRST] };
    });
    const set = ["config", "set", "--stack", "lab", "--secret", "pulumi-mesos:e2e-tls-key"];
    await must(process.execPath, ["toolchain/pulumi.mjs", ...set], { cwd: copyDir(), input: key });
}

const urls = (port: number, ...of: string[]): string[] => of.map((host) => `https://${addressOf(host)}:${port}`);

async function marathon(): Promise<HttpGroup> {
    const login = { username: "marathon", password: await marathonPassword() };
    return new HttpGroup("Marathon", { urls: urls(MARATHON_PORT, ...SERVERS), ca: authority.ca, ...login });
}

async function running(): Promise<string[]> {
    const { body } = await (await marathon()).ask("GET", "/v2/tasks");
    return (body as { tasks: { id: string; state: string }[] }).tasks
        .filter(({ state }) => state === "TASK_RUNNING")
        .map(({ id }) => id)
        .sort();
}

/** Serial number of the certificate that a server shows. */
const serial = (host: string): Promise<string> =>
    on(
        host,
        `openssl s_client -connect ${addressOf(host)}:${MARATHON_PORT} </dev/null 2>/dev/null | openssl x509 -noout -serial`,
    );

test("one up installs them with the site's certificate, and every client of ours speaks HTTPS with them", async () => {
    write("apps", "secure", {
        id: "/e2e/secure",
        cmd: "sleep 100000",
        cpus: 0.1,
        mem: 32,
        instances: 2,
        user: "nobody",
    });
    write("jobs", "tock", { id: "e2e-tock", run: { cmd: "true", cpus: 0.1, mem: 32, disk: 0, user: "nobody" } });
    const signed = sign();
    await declareSecure(signed, sign().key);
    const { code, text } = await pulumi(["preview", "--non-interactive"]);
    expect([code === 0, text]).toEqual([false, expect.stringContaining("it is not the certificate's private key")]);

    await declareSecure(signed, signed.key);
    await up();
    expect(await running()).toHaveLength(2);
    await up("--refresh", "--expect-no-changes");
    const metronome = new HttpGroup("Metronome", { urls: urls(METRONOME_PORT, METRONOME_HOST), ca: authority.ca });
    expect(await metronome.ask("GET", "/v1/jobs/e2e-tock")).toMatchObject({ status: 200 });
    // Nothing is spoken in plain any more.
    await expect(fetch(`http://${addressOf(FIRST)}:${MARATHON_PORT}/ping`)).rejects.toThrow();
    const resolver = new Resolver({ timeout: 2000, tries: 2 });
    resolver.setServers([addressOf(FIRST)]);
    await eventually("the name server has learnt of the app over HTTPS", async () => {
        const known = await resolver.resolve4("secure-e2e.marathon.mesos").catch(() => []);
        return known.length > 0 ? true : undefined;
    });
});

test("the private key and the keystore are their user's alone, and no process list shows a password", async () => {
    const { "marathon-keystore": password = "" } = await allSecrets();
    expect(password).not.toBe("");
    for (const host of SERVERS) {
        expect(await on(host, "ps -eo args")).not.toContain(password);
        const modes = await on(
            host,
            "stat -c '%a %U %n' /etc/marathon/tls-key.pem /run/marathon /run/marathon/keystore.p12",
        );
        expect(modes.trim().split("\n")).toEqual([
            "600 marathon /etc/marathon/tls-key.pem",
            "700 marathon /run/marathon",
            "600 marathon /run/marathon/keystore.p12",
        ]);
    }
});

test("a new certificate rolls the servers, the leader last, and no task notices", async () => {
    const before = await running();
    const { body } = await (await marathon()).ask("GET", "/v2/leader");
    const leader = SERVERS.find(
        (host) => (body as { leader: string }).leader === `${addressOf(host)}:${MARATHON_PORT}`,
    );
    const serials = await Promise.all(SERVERS.map(serial));
    const renewed = sign();
    await declareSecure(renewed, renewed.key);
    expect(await preview()).toContain("marathon.service, tasks keep running");
    const told = await up();
    const order = Array.from(told.matchAll(/(\w+): (?:leads|stands by; \w+ leads)/g), ([, host]) => host).filter(
        (host) => (SERVERS as readonly string[]).includes(host ?? ""),
    );
    // Each line comes again among the diagnostics, in another order.
    expect([...new Set(order)].at(-1)).toBe(leader);
    const now = await Promise.all(SERVERS.map(serial));
    expect(now[0]).toBe(now[1]);
    expect(serials).not.toContain(now[0]);
    await eventually("the tasks are known again", async () =>
        (await running()).join() === before.join() ? true : undefined,
    );
});

test("without it they speak HTTP again, and the private key is gone from their hosts", async () => {
    declareServices();
    await up();
    const answer = await fetch(`http://${addressOf(FIRST)}:${MARATHON_PORT}/v2/info`);
    expect(answer.status).toBe(401);
    const left = "ls -d /etc/*/tls-* /run/*/keystore.p12 2>/dev/null; true";
    for (const host of hosts) expect((await on(host, left)).trim()).toBe("");
});
