/** Marathon, Metronome, the load balancer and the name servers of a site, by Pulumi's mocks: names, and what waits for what. */
import fs from "node:fs";
import { register, type Registered, siteOf } from "./register";

let all: Registered[];
beforeAll(async () => {
    // The program for hosts is made by the build, beside the bundle: here is no bundle.
    const read = fs.readFileSync;
    const program = jest
        .spyOn(fs, "readFileSync")
        .mockImplementation(((path: string, ...more: never[]) =>
            /components.shared.host.(discovery|exporter)\.js$/.test(path)
                ? "the program"
                : read(path, ...more)) as typeof fs.readFileSync);
    all = await register({
        ...siteOf("lab/Pulumi.lab.yaml"),
        marathon: { members: ["bm[1-2]"] },
        metronome: { members: ["bm3"], principal: "marathon" },
        loadBalancer: { hosts: ["bm[1-2]"] },
        discovery: { hosts: ["bm3"] },
        monitoring: { hosts: ["bm3"] },
        backup: { recipients: [`age1${"q".repeat(58)}`], to: "/mnt/b", timer: { to: "/mnt/b" } },
    });
    program.mockRestore();
});

const one = (name: string): Registered => {
    const found = all.find((resource) => resource.name === name && resource.type === "mesos:index:HostConfig");
    if (found === undefined) throw new Error(`there is no HostConfig ${name}`);
    return found;
};
const filesOf = (name: string): Record<string, { content: string; mode: string; owner: string }> =>
    one(name).inputs["files"] as never;

test("each is one resource on each of its hosts, below one component; the names are addresses in people's states", () => {
    const services = all.filter(({ type, name }) =>
        type === "mesos:index:HostConfig"
            ? !/^(zookeeper|master|agent)-/.test(name)
            : /pulumi-mesos:(marathon|metronome|discovery|backup|monitoring):/.test(type),
    );
    expect(services.map(({ type, name }) => `${type} ${name}`).sort()).toEqual([
        "mesos:index:HostConfig backup-bm1",
        "mesos:index:HostConfig backup-bm2",
        "mesos:index:HostConfig backup-bm3",
        "mesos:index:HostConfig balancer-bm1",
        "mesos:index:HostConfig balancer-bm2",
        "mesos:index:HostConfig marathon-bm1",
        "mesos:index:HostConfig marathon-bm2",
        "mesos:index:HostConfig metronome-bm3",
        "mesos:index:HostConfig monitor-bm3",
        "mesos:index:HostConfig names-bm3",
        ...[1, 2, 3, 4, 5, 6].map((number) => `mesos:index:HostConfig node-exporter-bm${number}`),
        "pulumi-mesos:backup:HostBackups backups",
        "pulumi-mesos:discovery:Discovery discovery",
        "pulumi-mesos:discovery:LoadBalancer load-balancer",
        "pulumi-mesos:marathon:MarathonService marathon",
        "pulumi-mesos:marathon:MarathonWork marathon",
        "pulumi-mesos:metronome:MetronomeService metronome",
        "pulumi-mesos:metronome:MetronomeWork metronome",
        "pulumi-mesos:monitoring:Monitoring monitoring",
    ]);
});

test.each([
    ["backup-bm2", ["zookeeper-bm1", "master-bm3"]],
    ["marathon-bm1", ["zookeeper-bm1", "master-bm3"]],
    ["metronome-bm3", ["zookeeper-bm1", "master-bm3"]],
    ["balancer-bm2", ["marathon-bm1", "marathon-bm2"]],
    ["names-bm3", ["zookeeper-bm2", "marathon-bm1", "marathon-bm2"]],
])("%s waits for what it needs", (name, needed) => {
    expect(one(name).options.dependsOn).toEqual(expect.arrayContaining(needed));
});

test("hosts that back up get the programs themselves", () => {
    const files = filesOf("backup-bm1");
    for (const name of ["mesos_backup.py", "mesos_copies.py"])
        expect(files[`/usr/local/lib/pulumi-mesos/backup/${name}`]?.content).toMatch(/^\s*(#!.*\n)?"""/);
});

test("hosts get the program itself, and Marathon's password where only its user reads it", () => {
    for (const [name, verb] of [
        ["balancer-bm1", "balance"],
        ["names-bm3", "names"],
    ] as const) {
        const files = filesOf(name);
        expect(files[`/usr/local/lib/pulumi-mesos/${verb}.js`]?.content).toBe("the program");
        expect(files[`/etc/pulumi-mesos/${verb}-password`]).toMatchObject({
            content: "value-of-marathon-http",
            mode: "0600",
        });
        const elsewhere = Object.entries(files).filter(([path]) => !path.endsWith("-password"));
        expect(JSON.stringify(elsewhere)).not.toContain("value-of-");
    }
});
