/** Marathon and Metronome over HTTPS, with a given certificate and with those of the site's own authority: the lab's stand-ins, on real hosts. */
import { Resolver } from "node:dns/promises";
import { join } from "node:path";
import { HttpGroup } from "../../provider/clients/http";
import { open, type RequestError } from "../../provider/clients/request";
import { Authority, type Signed } from "../fakes/authority";
import { addressOf, on } from "./support/hosts";
import { copyDir } from "./support/places";
import { must, run } from "./support/processes";
import { allSecrets } from "./support/secrets";
import { restore } from "./support/site";
import { preview, pulumi, up } from "./support/stack";
import { eventually, pause, tell } from "./support/steps";
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

const authority = new Authority("Given CA");
const hosts = [...new Set([...SERVERS, METRONOME_HOST])];
/** What is to be trusted now. */
let trusted = authority.ca;
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
    return new HttpGroup("Marathon", { urls: urls(MARATHON_PORT, ...SERVERS), ca: trusted, ...login });
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

/** The declaration with certificates of the site's own authority; one that a test leaves behind may be taken away again. */
function declareOwn({ days = 30, authority = {} }: { days?: number; authority?: object } = {}): void {
    declareServices({}, (site) => {
        Object.assign(site["marathon"] as object, { tls: { issuer: "site" } });
        Object.assign(site["metronome"] as object, { tls: { issuer: "site" } });
        site["discovery"] = { hosts: [FIRST] };
        site["certificates"] = { days, authority: { protect: false, overlapHours: 0, ...authority } };
    });
}

/** Certificates of the authorities that this stack tells others to trust. */
async function authorities(): Promise<string> {
    const { code, stdout } = await pulumi(["stack", "output", "authorities"]);
    expect(code).toBe(0);
    return stdout;
}

/** Who led when the servers changed, and in which order they did: in the words of the run itself. */
function rolled(told: string): { order: string[]; leader: string | undefined } {
    const turns = new Map(
        Array.from(told.matchAll(/(\w+): turn (\d) of 2(, the leader)?/g), ([, host = "", turn, leads]) => [
            Number(turn),
            { host, leads: leads !== undefined },
        ]),
    );
    const order = [1, 2].map((turn) => turns.get(turn)?.host ?? "");
    return { order, leader: [...turns.values()].find(({ leads }) => leads)?.host };
}

/**
 * Runs an up under a constant load: Marathon's API is asked all the time as our clients ask it, and each server alone whether it is
 * there. They trust what was to be trusted before the run.
 */
async function upUnderLoad(ca: string): Promise<{ told: string; asked: number; slowestMs: number }> {
    const login = { username: "marathon", password: await marathonPassword() };
    const api = new HttpGroup("Marathon", { urls: urls(MARATHON_PORT, ...SERVERS), ca, ...login });
    const before = await running();
    const failed: string[] = [];
    let [going, asked, slowestMs] = [true, 0, 0];
    const ping = (url: string): Promise<boolean> =>
        open(`${url}/ping`, { headers: {}, ca, signal: AbortSignal.timeout(5000) }).then(
            (answer) => {
                // That it asks for a password is an answer, from somebody who is trusted.
                answer.resume();
                return true;
            },
            (error: unknown) => {
                if ((error as RequestError).untrusted) failed.push(`${url}: ${(error as Error).message}`);
                return false;
            },
        );
    const ask = async (): Promise<void> => {
        while (going) {
            const began = Date.now();
            const { status, body } = await api.ask("GET", "/v2/tasks");
            const ids = (body as { tasks: { id: string }[] }).tasks.map(({ id }) => id).sort();
            if (status !== 200) failed.push(`HTTP ${status}`);
            // A leader that has just begun may not have heard of all of them yet; it never has others.
            if (ids.some((id) => !before.includes(id))) failed.push(`other tasks: ${ids.join(", ")}`);
            slowestMs = Math.max(slowestMs, Date.now() - began);
            asked += 1;
            await pause(50);
        }
    };
    const look = async (): Promise<void> => {
        while (going) {
            const there = await Promise.all(urls(MARATHON_PORT, ...SERVERS).map(ping));
            if (!there.includes(true)) failed.push("no server is there");
            await pause(200);
        }
    };
    const work = [ask(), ask(), look()];
    const told = await up().finally(() => (going = false));
    await Promise.all(work);
    expect(failed).toEqual([]);
    await eventually("the tasks are known again", async () =>
        (await running()).join() === before.join() ? true : undefined,
    );
    tell(`${asked} questions, none failed, the slowest took ${slowestMs} ms`);
    return { told, asked, slowestMs };
}

test("from a given certificate to those of the site's own authority: one for each host, its key there alone", async () => {
    const given = await Promise.all(SERVERS.map(serial));
    declareOwn();
    await up();
    trusted = await authorities();
    const now = await Promise.all(SERVERS.map(serial));
    expect(new Set([...given, ...now]).size).toBe(3);
    expect(await running()).toHaveLength(2);
    await up("--refresh", "--expect-no-changes");
    for (const host of SERVERS) {
        const key = (await on(host, "sed -n 3p /etc/marathon/tls-key.pem")).trim();
        expect(key.length).toBeGreaterThan(20);
        const places = `grep -rlF -e '${key}' /etc /run /usr/local /var/lib /var/log 2>/dev/null; true`;
        expect((await on(host, places)).trim()).toBe("/etc/marathon/tls-key.pem");
        expect(await on(host, "stat -c '%a %U' /etc/marathon/tls-key.pem")).toBe("600 marathon\n");
        expect(await on(host, "journalctl --no-pager -o cat; ps -eo args")).not.toContain(key);
    }
    const { stdout } = await run(process.execPath, [join("bin", "status.js"), "-s", "lab", "--json"], {
        cwd: copyDir(),
    });
    const { expiries, problems } = JSON.parse(stdout) as {
        expiries: { what: string; daysLeft?: number }[];
        problems: string[];
    };
    expect(problems).toEqual([]);
    const ports = [...urls(MARATHON_PORT, ...SERVERS), ...urls(METRONOME_PORT, METRONOME_HOST)];
    expect(expiries.map(({ what, daysLeft }) => [what, daysLeft])).toEqual([
        ...ports.map((url) => [`certificate of ${new URL(url).host}`, 29]),
        ["certificate of Site CA 1", 3649],
    ]);
});

test("certificates are renewed in turn, the leader last, and under a constant load no request fails", async () => {
    const before = await Promise.all(SERVERS.map(serial));
    // A month is less than a third of a year: they are due.
    declareOwn({ days: 365 });
    const foretold = await preview();
    expect(foretold).toContain("a new key and certificate: 29 days are left, 365 is its life");
    expect(foretold).toContain("marathon.service, tasks keep running");
    const { told, asked } = await upUnderLoad(trusted);
    const { order, leader } = rolled(told);
    expect([...order].sort()).toEqual([...SERVERS].sort());
    expect(order.at(-1)).toBe(leader);
    expect(told).toContain(`${order[0] ?? ""}: stands by; ${leader ?? ""} leads`);
    expect(asked).toBeGreaterThan(20);
    const now = await Promise.all(SERVERS.map(serial));
    expect(new Set([...before, ...now]).size).toBe(4);
    await up("--refresh", "--expect-no-changes");
});

test("another authority follows in three runs: who trusts what was to be trusted before a run is served all through it", async () => {
    const before = await Promise.all(SERVERS.map(serial));
    const authority = { generation: 2 };
    declareOwn({ days: 365, authority });
    expect(await preview()).toContain("a new authority is made (generation 2) and trusted beside the old one");
    await upUnderLoad(trusted);
    expect(await Promise.all(SERVERS.map(serial))).toEqual(before);
    const both = await authorities();
    expect(both.match(/BEGIN/g)).toHaveLength(2);
    expect(both.startsWith(trusted.trim())).toBe(true);
    // Whoever asks this test's own questions is told, too.
    const old = trusted;
    trusted = both;

    expect(await preview()).toContain("the new authority signs from now on");
    await upUnderLoad(both);
    const now = await Promise.all(SERVERS.map(serial));
    expect(new Set([...before, ...now]).size).toBe(4);

    await upUnderLoad(both);
    trusted = await authorities();
    expect(trusted.match(/BEGIN/g)).toHaveLength(1);
    await up("--refresh", "--expect-no-changes");
    const names = new HttpGroup(
        "Marathon",
        { urls: urls(MARATHON_PORT, FIRST), ca: old },
        { answerMs: 5000, failoverMs: 0, retryMs: 1 },
    );
    await expect(names.ask("GET", "/ping")).rejects.toThrow("its certificate is refused");
    // The name server follows Marathon by the new one.
    const resolver = new Resolver({ timeout: 2000, tries: 2 });
    resolver.setServers([addressOf(FIRST)]);
    await eventually("the name server still knows the app", async () => {
        const known = await resolver.resolve4("secure-e2e.marathon.mesos").catch(() => []);
        return known.length > 0 ? true : undefined;
    });
});

test("without it they speak HTTP again, and the private key is gone from their hosts", async () => {
    declareServices();
    await up();
    const answer = await fetch(`http://${addressOf(FIRST)}:${MARATHON_PORT}/v2/info`);
    expect(answer.status).toBe(401);
    const left = "ls -d /etc/*/tls-* /run/*/keystore.p12 2>/dev/null; true";
    for (const host of hosts) expect((await on(host, left)).trim()).toBe("");
});
