/**
 * The plugin with the real protocol, resources and rollout, over hosts that are files in a folder: for the engine tier,
 * where no host is. `FAKE_HOSTS` names the folder; a JSON file for each host is what is on it, `log` what was done, in order.
 */
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Job } from "../../provider/clients/ansible";
import type { Agent } from "../../provider/clients/mesos";
import { digest, type FileState, type HostRequest, type Observation } from "../../provider/host/inspect";
import { certificate } from "../../provider/resources/certificate";
import { certificateAuthority } from "../../provider/resources/certificateAuthority";
import { generatedSecret } from "../../provider/resources/generatedSecret";
import { Connections, textsOf } from "../../provider/resources/connections";
import { hostConfig } from "../../provider/resources/hostConfig";
import { serviceTypes } from "../../provider/resources/serviceTypes";
import { zookeeperOwner } from "../../provider/resources/zookeeperOwner";
import { HostError } from "../../provider/host/errors";
import { type Clients, hostDependencies } from "../../provider/rollout/tiers";
import { ProviderServer } from "../../provider/server";

interface FakeHost {
    files: Record<string, { content: string; mode: string; owner: string; group: string }>;
    directories: Record<string, Omit<FileState, "sha256">>;
    units: Record<string, { enabled: boolean; active: boolean }>;
    packages: string[];
    users: string[];
}

const folder = process.env["FAKE_HOSTS"] ?? "";
const fileOf = (host: string): string => join(folder, `${host}.json`);

function load(host: string): FakeHost {
    const empty: FakeHost = { files: {}, directories: {}, units: {}, packages: [], users: [] };
    return existsSync(fileOf(host)) ? (JSON.parse(readFileSync(fileOf(host), "utf8")) as FakeHost) : empty;
}

function note(line: string): void {
    appendFileSync(join(folder, "log"), `${line}\n`);
}

/** A host has more on it than one service asks for. */
function only<T>(all: Record<string, T>, keys: readonly string[]): Record<string, T> {
    return Object.fromEntries(Object.entries(all).filter(([key]) => keys.includes(key)));
}

function look(there: FakeHost, request: HostRequest): Observation {
    const files = Object.keys(request.files).map((path) => {
        const file = there.files[path];
        return [
            path,
            file === undefined
                ? null
                : { sha256: digest(file.content), mode: file.mode, owner: file.owner, group: file.group },
        ] as const;
    });
    const contents = Object.entries(there.files).filter(
        ([path, { content }]) => request.files[path]?.sha256 !== digest(content),
    );
    return {
        os: "debian",
        osVersion: "12",
        osName: "a host of the tests",
        uid: 0,
        systemd: true,
        time: Date.now() / 1000,
        cgroup: "v1",
        freeMiB: Object.fromEntries(Object.keys(request.freeMiB).map((path) => [path, 1e6])),
        packages: Object.fromEntries(there.packages.map((name) => [name, "1.0"])),
        files: Object.fromEntries(files),
        contents: Object.fromEntries(
            contents.map(([path, { content }]) => [path, Buffer.from(content).toString("base64")]),
        ),
        directories: only(there.directories, Object.keys(request.directories)),
        users: Object.fromEntries(there.users.map((name) => [name, 900])),
        units: Object.fromEntries(
            Object.entries(only(there.units, Object.keys(request.units))).map(([name, unit]) => [
                name,
                { ...unit, state: unit.active ? "active (running)" : "inactive (dead)", stale: false },
            ]),
        ),
        artifacts: request.artifacts.map(({ sha256 }) => sha256),
        present: [],
    };
}

/** Hosts whose agents are drained, until they come back under another id. */
const drained = new Set<string>();

const without = <T>(record: Readonly<Record<string, T>>, names: readonly string[] = []): Record<string, T> =>
    Object.fromEntries(Object.entries(record).filter(([name]) => !names.includes(name)));

function converge({ config, remove, forget, left }: Job): void {
    if (forget !== undefined && forget.length > 0) {
        drained.delete(config.host);
    }
    if (remove === true) {
        writeFileSync(fileOf(config.host), JSON.stringify(load(config.host)));
        note(`remove ${config.rollout.tier} ${config.host}`);
        return;
    }
    const there = load(config.host);
    const host: FakeHost = {
        files: { ...without(there.files, left?.files), ...config.files },
        directories: { ...there.directories, ...config.directories },
        units: {
            ...without(there.units, left?.units),
            ...Object.fromEntries(
                Object.entries(config.units).map(([name, { enabled, active }]) => [name, { enabled, active }]),
            ),
        },
        packages: [...new Set([...there.packages, ...config.packages.map(({ name }) => name)])],
        users: [...new Set([...there.users, ...config.users.map(({ name }) => name)])],
    };
    writeFileSync(fileOf(config.host), JSON.stringify(host));
    note(`converge ${config.rollout.tier} ${config.host}`);
}

/** All members that have their unit, m2 of each three leads. */
const up = (host: string, unit: string): boolean => load(host).units[unit]?.active === true;

const clients: Clients = {
    ssh: {
        firstContact: () => Promise.resolve([]),
        run(host, _connection, command, { step, stdin }) {
            if (existsSync(`${fileOf(host)}.dead`)) {
                return Promise.reject(new HostError(host, step, "cannot reach it"));
            }
            if (!command.startsWith("python3")) {
                return Promise.resolve("failed\nthe last line of its log");
            }
            const text = /inspect\(json\.loads\((".*")\)\)/.exec(stdin)?.[1] ?? '"{}"';
            return Promise.resolve(
                JSON.stringify(look(load(host), JSON.parse(JSON.parse(text) as string) as HostRequest)),
            );
        },
    },
    ansible: {
        run(jobs) {
            jobs.forEach(converge);
            return Promise.resolve(jobs.map(() => ({ changes: ["converged"] })));
        },
    },
    zookeeper: {
        mode: (address) =>
            Promise.resolve(
                up(hostAt(address), "zookeeper.service") ? (address.endsWith("2") ? "leader" : "follower") : undefined,
            ),
        syncedFollowers: () => Promise.resolve(2),
        exists: () => Promise.resolve(true),
        removeAll: (_, path) => Promise.resolve(note(`remove ${path}`)),
        share: ({ path }) => Promise.resolve(note(`share ${path}`)).then(() => 1),
        claim: ({ path }) => Promise.resolve(note(`claim ${path}`)).then(() => 1),
        isClaimed: () => Promise.resolve(true),
    },
    mesos: (config) => ({
        health: ({ name, address }) =>
            Promise.resolve(
                up(name, "mesos-master.service")
                    ? { elected: address.endsWith("2"), recovered: true, activeAgents: 0 }
                    : undefined,
            ),
        leader: () => Promise.resolve(undefined),
        agents: () => Promise.resolve(existsSync(`${fileOf(config.host)}.ill`) ? [] : [agentOf(config.host)]),
        drain: (id) => {
            drained.add(config.host);
            return Promise.resolve(note(`drain ${id}`));
        },
        reactivate: () => Promise.resolve(void drained.delete(config.host)),
        markGone: (id) => Promise.resolve(note(`gone ${id}`)),
        frameworks: () => Promise.resolve([]),
        teardown: (id) => Promise.resolve(note(`end ${id}`)),
    }),
    access: {
        answers: ({ kind, members }, address) => {
            const host = members.find((member) => member.address === address)?.name ?? "";
            return Promise.resolve(
                up(host, kind === "loadBalancer" ? "haproxy.service" : "pulumi-mesos-names.service"),
            );
        },
    },
    schedulers: {
        health: (url, kind) => {
            const host = hostAt(new URL(url).hostname);
            return Promise.resolve(up(host, `${kind}.service`) ? { leader: "10.213.0.12:8080" } : undefined);
        },
    },
};

/** The lab's addresses: bm1 is at .11. */
function hostAt(address: string): string {
    return `bm${Number(address.split(".").pop()) - 10}`;
}

/** As many days ahead as the file `days` says: certificates end in years. */
function clock(): number {
    const file = join(folder, "days");
    return Date.now() + (existsSync(file) ? Number(readFileSync(file, "utf8")) : 0) * 86_400_000;
}

let registrations = 0;

function agentOf(host: string): Agent {
    registrations += 1;
    return {
        id: `S-${host}`,
        hostname: host,
        active: !drained.has(host),
        deactivated: drained.has(host),
        drain: drained.has(host) ? "DRAINED" : undefined,
        registration: String(registrations),
    };
}

const dependencies = hostDependencies(clients);
const connections = new Connections({
    http: { answerMs: 30_000, failoverMs: 3000, retryMs: 300 },
    pollMs: 200,
    restMs: 20,
});
const server = new ProviderServer({
    version: "0.0.0",
    types: {
        HostConfig: hostConfig(dependencies),
        Certificate: certificate(clock),
        CertificateAuthority: certificateAuthority(clock),
        GeneratedSecret: generatedSecret,
        ZooKeeperOwner: zookeeperOwner(clients.zookeeper),
        ...serviceTypes(connections),
    },
    functions: {},
    onConfigure: (config) => connections.configure(textsOf(config)),
    onCancel: () => dependencies.stop(),
});
void server.listen().then((port) => process.stdout.write(`${port}\n`));
