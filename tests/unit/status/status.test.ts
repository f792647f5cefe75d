/** Reading a site's endpoints, and showing what they say. */
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTcpServer, type Server as TcpServer } from "node:net";
import type { AddressInfo } from "node:net";
import { makeAuthority } from "../../../provider/clients/x509";
import type { HostSpec, SitePlan } from "../../../site";
import { problemsOf, type SiteStatus } from "../../../status/model";
import { escaped, pageOf } from "../../../status/page";
import { backupsOf } from "../../../status/backups";
import { agentStatus, authorityExpiries, expiryOf, readStatus } from "../../../status/read";
import { tableOf } from "../../../status/table";

const servers: (Server | TcpServer)[] = [];
const listen = async (server: Server | TcpServer): Promise<number> => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    servers.push(server);
    return (server.address() as AddressInfo).port;
};
afterAll(() => servers.forEach((server) => server.close()));

const spec = (host: string, zone: string, service: object): HostSpec =>
    ({ host, zone, connection: { address: "127.0.0.1" }, protect: host === "m1", service }) as unknown as HostSpec;

/** A master as Mesos 1.11 answers. */
const master =
    (elected: boolean, slaves: object[] = []): RequestListener =>
    (request, response) => {
        const isOperator =
            request.headers.authorization === `Basic ${Buffer.from("operator:s3cret").toString("base64")}`;
        const answers: Record<string, object> = {
            "/version": { version: "1.11.0" },
            "/metrics/snapshot": {
                "master/elected": elected ? 1 : 0,
                "master/tasks_running": 3,
                "master/tasks_staging": 0,
                "master/frameworks_active": 2,
            },
            "/slaves": { slaves },
        };
        const answer = answers[request.url ?? ""];
        response.writeHead(request.url === "/version" || isOperator ? 200 : 401).end(JSON.stringify(answer ?? {}));
    };

const slave = (hostname: string, more: object = {}): object => ({
    hostname,
    pid: "slave(1)@10.0.0.4:5051",
    active: true,
    version: "1.11.0",
    resources: { cpus: 4, mem: 8192 },
    used_resources: { cpus: 1.5, mem: 1024 },
    ...more,
});

const zookeeper = (mode: string): TcpServer =>
    createTcpServer((socket) => socket.on("data", () => socket.end(`Zookeeper version: 3.8.0\nMode: ${mode}\n`)));

async function site(slaves: object[]): Promise<SitePlan> {
    const [lead, follow, zk] = [
        await listen(createServer(master(true, slaves))),
        await listen(createServer(master(false))),
        await listen(zookeeper("standalone")),
    ];
    const agent = (host: string, zone: string, more: object = {}): HostSpec =>
        spec(host, zone, { kind: "mesosAgent", pool: "work", hostname: host, port: 5051, ...more });
    return {
        cluster: "<lab>",
        zookeeper: { members: [spec("m1", "zone-a", { kind: "zookeeper", clientPort: zk })] },
        masters: {
            members: [
                spec("m1", "zone-a", { kind: "mesosMaster", port: lead }),
                spec("m2", "zone-b", { kind: "mesosMaster", port: follow }),
                spec("m3", "zone-c", { kind: "mesosMaster", port: 1 }),
            ],
        },
        schedulers: [],
        loadBalancers: [],
        nameServers: [],
        workloads: { campaigns: [] },
        backups: [],
        pools: [
            {
                name: "work",
                agents: [agent("w1", "zone-a"), agent("w2", "zone-b"), agent("w3", "zone-c", { drained: true })],
            },
        ],
    } as unknown as SitePlan;
}

const operator = { principal: "operator", secret: "s3cret" };
const now = new Date("2026-11-26T12:00:00Z");
const read = async (slaves: object[]): Promise<SiteStatus> =>
    readStatus({ stack: "prod", plan: await site(slaves), urls: [], now, operator });

test("who leads, which agents are there, how loaded, and what is wrong", async () => {
    const status = await read([slave("w1"), slave("w3", { deactivated: true })]);
    expect(status.load).toEqual({ cpus: { used: 3, total: 8 }, memMiB: { used: 2048, total: 16384 } });
    expect(status.tasks).toEqual({ running: 3, staging: 0 });
    expect(status.problems).toEqual([
        "master: 2 of 3 serve; one more lost is the quorum lost",
        "agent on w2 is down: not registered",
        "master on m3 is down: ECONNREFUSED",
    ]);
    expect(status.zones.map(({ name, hosts }) => [name, hosts.map((host) => host.name)])).toEqual([
        ["zone-a", ["m1", "w1"]],
        ["zone-b", ["m2", "w2"]],
        ["zone-c", ["m3", "w3"]],
    ]);
    expect(tableOf(status)).toMatchSnapshot();
    expect(pageOf(status)).toMatchSnapshot();
    expect(JSON.stringify(status)).not.toContain("s3cret");
});

test("without a credential the masters do not tell, and that is said", async () => {
    const status = await readStatus({ stack: "prod", plan: await site([slave("w1")]), urls: [], now });
    expect(tableOf(status)).toContain("HTTP 401: the operator's credential is refused");
    expect(status.problems).toContain("master has no leader");
});

test.each<[object | undefined, object, string, string | undefined]>([
    [slave("w1"), {}, "active", undefined],
    [slave("w1", { active: false }), {}, "inactive", "the master lost it"],
    [slave("w1", { drain_info: {} }), {}, "drained", "drained, but not declared so"],
    [slave("w1", { drain_info: {} }), { drained: true }, "drained", undefined],
    [slave("w1", { pid: "slave(1)@10.0.0.4:5052" }), {}, "down", "not registered"],
    [undefined, {}, "down", "not registered"],
])("an agent %#", (there, declared, state, trouble) => {
    const of = spec("w1", "a", { kind: "mesosAgent", pool: "p", hostname: "w1", port: 5051, ...declared });
    const leader = { slaves: there === undefined ? [] : [there], metrics: {} } as unknown as Parameters<
        typeof agentStatus
    >[1];
    const status = agentStatus(of, leader);
    expect([status.state, status.trouble]).toEqual([state, trouble]);
});

test("an expiry that is near is a problem, one that cannot be read as well", async () => {
    const base = { ...(await read([slave("w1")])), zones: [], expiries: [] };
    const expiries = [
        { what: "certificate of a", until: "2026-12-01T00:00:00.000Z", daysLeft: 4 },
        { what: "certificate of b", until: "2027-12-01T00:00:00.000Z", daysLeft: 369 },
        { what: "certificate of c", until: "2026-11-01T00:00:00.000Z", daysLeft: -26 },
        // It lives for thirty days, and ten are when the next up makes it anew.
        { what: "certificate of d", until: "2026-12-06T00:00:00.000Z", daysLeft: 9, lifeDays: 30 },
        { what: "certificate of e", until: "2026-12-03T00:00:00.000Z", daysLeft: 6, lifeDays: 30 },
    ];
    expect(problemsOf({ ...base, expiries })).toEqual([
        "certificate of a expires in 4 days (2026-12-01T00:00:00.000Z)",
        "certificate of c has expired (2026-11-01T00:00:00.000Z)",
        "certificate of e expires in 6 days (2026-12-03T00:00:00.000Z)",
    ]);
    expect(await expiryOf("https://127.0.0.1:1/v3", now.getTime())).toEqual({
        what: "certificate of 127.0.0.1:1",
        trouble: "ECONNREFUSED",
    });
});

test("every authority that is trusted has its end", async () => {
    const pair = await makeAuthority({ organisation: "lab", name: "Site CA 2", days: 100 }, now.getTime());
    expect(authorityExpiries(pair.certificate.repeat(2), now.getTime() + 1000)).toEqual(
        Array(2).fill({
            what: "certificate of Site CA 2",
            until: new Date(now.getTime() + 100 * 86_400_000).toISOString(),
            daysLeft: 99,
            lifeDays: 100,
        }),
    );
    expect(authorityExpiries("", now.getTime())).toEqual([]);
});

test("a part's newest backup counts, whoever kept it; a host that is out of reach is named only where nobody tells", async () => {
    const at = (hours: number): number => now.getTime() / 1000 - hours * 3600;
    const said: Record<string, string> = {
        m1: `{"part": "zookeeper", "time": ${at(60)}}\n{"part": "registry", "time": ${at(3)}}\n`,
        m2: `{"part": "zookeeper", "time": ${at(50)}}\n`,
    };
    const ssh = {
        run: (host: string) =>
            said[host] === undefined
                ? Promise.reject(new Error(`${host}: cannot reach it`))
                : Promise.resolve(said[host]),
        firstContact: () => Promise.reject(new Error("nobody asks")),
    };
    const members = ["m1", "m2", "m3"].map((host) => spec(host, "a", { kind: "backup" }));
    const both = { zookeeper: true, registry: true };
    const backups = await backupsOf(members, both, ssh, now);
    expect(backups.map(({ part, ageHours }) => [part, ageHours])).toEqual([
        ["zookeeper", 50],
        ["registry", 3],
    ]);
    expect(await backupsOf(members.slice(2), { ...both, registry: false }, ssh, now)).toEqual([
        { part: "zookeeper", trouble: "no host has kept one yet; m3: cannot reach it" },
    ]);
    const base = { ...(await read([slave("w1")])), zones: [], backups };
    expect(problemsOf(base, 48)).toEqual([
        "backup of zookeeper is 50 h old (2026-11-24T10:00:00.000Z); 48 h are allowed",
    ]);
    expect(problemsOf(base, 60)).toEqual([]);
    expect(tableOf({ ...base, problems: [] })).toContain("backup: registry: 3 h old (2026-11-26T09:00:00.000Z)");
    expect(pageOf({ ...base, problems: [] })).toContain("<td>registry</td><td>3 h old");
});

test("nothing that a name holds becomes markup", () => {
    expect(escaped(`<script>"&"</script>`)).toBe("&lt;script&gt;&quot;&amp;&quot;&lt;/script&gt;");
});
