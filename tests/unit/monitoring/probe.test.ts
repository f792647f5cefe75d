/** The exporter's questions, against servers that answer, refuse, and are not there. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Sample } from "../../../monitoring/metrics";
import { probe } from "../../../monitoring/probe";
import { Authority } from "../../fakes/authority";

const HOST = "127.0.0.1";
const dir = mkdtempSync(join(tmpdir(), "probe-"));
const passwordFile = join(dir, "password");
writeFileSync(passwordFile, "s3cret\n");
afterAll(() => rmSync(dir, { recursive: true }));

async function listening(server: Server): Promise<number> {
    await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
    return (server.address() as AddressInfo).port;
}

const valueOf = (samples: readonly Sample[], name: string) => samples.find((one) => one.name === name)?.value;

test("Mesos is asked as the monitor; a refusal and a server that is gone are no success, and are told", async () => {
    const seen: (string | undefined)[] = [];
    let status = 200;
    const server = createServer((request, response) => {
        seen.push(request.headers.authorization);
        response.writeHead(status, { "Content-Type": "application/json" });
        response.end(JSON.stringify({ "master/elected": 1 }));
    });
    const port = await listening(server);
    const target = {
        kind: "mesos",
        host: "bm1",
        address: HOST,
        port,
        login: { user: "monitor", passwordFile },
    } as const;
    const said: string[] = [];
    const look = () => probe(target, (line) => void said.push(line));
    const well = await look();
    expect([valueOf(well, "probe_success"), valueOf(well, "mesos_master_elected"), said]).toEqual([1, 1, []]);
    expect(seen).toEqual([`Basic ${Buffer.from("monitor:s3cret").toString("base64")}`]);
    status = 401;
    expect(valueOf(await look(), "probe_success")).toBe(0);
    await new Promise((resolve) => server.close(resolve));
    expect(valueOf(await look(), "probe_success")).toBe(0);
    expect(said).toEqual([`bm1: mesos at ${HOST}:${port}: HTTP 401`, `bm1: mesos at ${HOST}:${port}: ECONNREFUSED`]);
});

test("a Marathon by HTTPS: its apps where it leads, and when its certificate ends, also if nobody trusts it", async () => {
    const site = new Authority("Site CA");
    const caFile = join(dir, "ca.pem");
    writeFileSync(caFile, site.ca);
    const { key, certificate: cert } = site.sign([`IP:${HOST}`]);
    site.remove();
    const server = createTlsServer({ key, cert }, (request, response) => {
        const { port } = server.address() as AddressInfo;
        response.writeHead(200, { "Content-Type": "application/json" });
        response.end(
            JSON.stringify(
                request.url === "/v2/leader"
                    ? { leader: `${HOST}:${port}` }
                    : { apps: [{ id: "/a", instances: 2, tasksRunning: 1 }] },
            ),
        );
    });
    const port = await listening(server);
    const target = { kind: "marathon", host: "bm1", address: HOST, port } as const;
    const trusted = await probe({ ...target, tls: { caFile } }, () => undefined);
    const days = ((valueOf(trusted, "certificate_not_after_seconds") ?? 0) - Date.now() / 1000) / 86_400;
    expect(Math.round(days)).toBe(30);
    expect([valueOf(trusted, "probe_success"), valueOf(trusted, "marathon_leads")]).toEqual([1, 1]);
    expect(valueOf(trusted, "marathon_app_tasks_serving")).toBe(1);
    const untrusted = await probe({ ...target, tls: {} }, () => undefined);
    expect(valueOf(untrusted, "probe_success")).toBe(0);
    expect(valueOf(untrusted, "certificate_not_after_seconds")).toBe(valueOf(trusted, "certificate_not_after_seconds"));
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
});
