import { readFileSync } from "node:fs";
import { hostVariables } from "../../../provider/clients/ansible";
import { leftOf } from "../../../provider/host/inspect";
import type { Connection } from "../../../site/plan/types";
import { explain, renewKeys, sshArguments } from "../../../provider/clients/ssh";
import { parseMode, parseSynced } from "../../../provider/clients/zookeeper";
import { generate, generatedSecret } from "../../../provider/resources/generatedSecret";
import { UNKNOWN } from "../../../provider/wire";
import { hostConfig, observation, zookeeperService } from "../../fakes/host";

describe("ssh", () => {
    const connection = {
        address: "10.0.0.1",
        port: 2222,
        user: "ops",
        privateKeyFile: "/k",
        knownHostsFile: "/h",
        proxyJump: "bastion",
    };

    test("always checks host keys, never asks, gives up on a dead host", () => {
        const text = sshArguments(connection).join(" ");
        expect(text).toContain("-o BatchMode=yes -o StrictHostKeyChecking=yes -o ConnectTimeout=10");
        expect(text).toContain("-o UserKnownHostsFile=/h -i /k -o IdentitiesOnly=yes -o ProxyCommand=");
        expect(text).toMatch(/ -p 2222 -l ops 10\.0\.0\.1$/);
    });

    const proxyOf = (given: Connection): string =>
        sshArguments(given)
            .find((argument) => argument.startsWith("ProxyCommand="))
            ?.replace(/^.*ServerAliveCountMax=3 /, "") ?? "";

    test("offers a bastion the host's key beside the user's own, and asks for its key all the same", () => {
        expect(proxyOf(connection)).toBe(
            `-o 'UserKnownHostsFile="/h" ~/.ssh/known_hosts ~/.ssh/known_hosts2' -i /k bastion -W '[%h]:%p'`,
        );
        expect(
            sshArguments(connection)
                .join(" ")
                .match(/StrictHostKeyChecking=yes/g),
        ).toHaveLength(2);
        expect(proxyOf({ address: "h", proxyJump: "a@far,ops@gate:2200" })).toBe(
            "-J a@far -p 2200 -l ops gate -W '[%h]:%p'",
        );
    });

    test("passes through a host of the site as it is reached itself, whatever is in its paths", () => {
        const jump = {
            host: "gate1",
            address: "10.9.0.1",
            user: "ops",
            privateKeyFile: "/my key's/100%",
            hostKeys: [],
        };
        expect(proxyOf({ address: "10.0.0.1", jump })).toBe(
            `-i '/my key'\\''s/100%%' -o IdentitiesOnly=yes -p 22 -l ops 10.9.0.1 -W '[%h]:%p'`,
        );
    });

    test("says nothing of keys and files that are not declared", () => {
        expect(sshArguments({ address: "h" }).join(" ")).not.toMatch(/-i|UserKnownHostsFile|Proxy/);
    });

    test("a bastion that was made anew is known by its new keys, whatever others remember", () => {
        const jump = { host: "gate2", address: "10.9.0.2", hostKeys: ["ssh-ed25519 OLD"] };
        const before = proxyOf({ address: "10.0.0.1", jump });
        renewKeys("gate2", ["ssh-ed25519 NEW"]);
        const after = proxyOf({ address: "10.0.0.1", jump });
        const fileOf = (text: string): string => readFileSync(/UserKnownHostsFile=(\S+)/.exec(text)?.[1] ?? "", "utf8");
        expect([fileOf(before), fileOf(after)]).toEqual(["* ssh-ed25519 OLD\n", "* ssh-ed25519 NEW\n"]);
    });

    test("a bastion's strange key is not the host's", () => {
        const jump = { host: "gate1", address: "10.9.0.1" };
        const stderr = "Host key verification failed.\r\nConnection closed by UNKNOWN port 65535\r\n";
        const said = explain({ address: "10.0.0.1", hostKeys: ["k"], jump }, stderr);
        expect(said.reason).toMatch(/through the bastion gate1 \(Host key verification failed/);
        expect(said.isOtherMachine).toBeUndefined();
        expect(
            explain({ address: "10.0.0.1", hostKeys: ["k"], jump }, "Host key verification failed.").isOtherMachine,
        ).toBe(true);
    });

    test.each([
        ["ops@10.0.0.1: Permission denied (publickey).", /does not accept \/k/, /authorized_keys/],
        ["Host key verification failed.", /host key of 10.0.0.1 is not the one in \/h/, /re-installed/],
        [
            "ssh: connect to host 10.0.0.1 port 2222: Connection timed out",
            /cannot reach ops@10.0.0.1:2222/,
            /power, network/,
        ],
        ["ssh: connect to host 10.0.0.1 port 2222: No route to host", /cannot reach/, /power, network/],
        ["Timeout, server 10.0.0.1 not responding.", /cannot reach/, /power, network/],
        ["something new", /^something new$/, /^$/],
    ])("explains %j", (stderr, reason, fix) => {
        const said = explain(connection, stderr);
        expect(said.reason).toMatch(reason);
        expect(said.fix ?? "").toMatch(fix);
    });
});

describe("Ansible's variables of a host", () => {
    const config = hostConfig("m1", zookeeperService);

    test("hold file contents in base64 only, so that nothing in them is an expression", () => {
        const variables = hostVariables({ config, seen: observation(config) });
        expect(variables["contents"]).toEqual({ "/etc/thing.conf": "YT0xCg==", "/etc/notes": "aGVsbG8K" });
        expect(JSON.stringify(variables)).not.toContain("a=1");
    });

    test.each([
        [{}, "all", []],
        [{ packages: {} }, "install", ["thing"]],
    ])("choose the phase by what is missing: %j", (seen, phase, install) => {
        expect(hostVariables({ config, seen: observation(config, seen) })).toMatchObject({
            phase,
            install,
            package_manager: "apt",
        });
    });

    test("pin a version in the way of the package manager", () => {
        const pinned = hostConfig("m1", zookeeperService, { packages: [{ name: "thing", version: "2.0" }] });
        expect(hostVariables({ config: pinned, seen: observation(pinned) })["install"]).toEqual(["thing=2.0"]);
        const alma = observation(pinned, { os: "almalinux" });
        expect(hostVariables({ config: pinned, seen: alma })).toMatchObject({
            install: ["thing-2.0"],
            package_manager: "dnf",
        });
    });

    test("name the units and files that the service has no more; a new service leaves none", () => {
        const before = hostConfig("m1", zookeeperService, {
            files: { ...config.files, "/etc/key.pem": { content: "k", mode: "0600", owner: "root", group: "root" } },
            units: { ...config.units, "old.service": { enabled: true, active: true, restartOn: [] } },
        });
        const left = leftOf(before, config);
        expect(left).toEqual({ units: ["old.service"], files: ["/etc/key.pem"] });
        expect(hostVariables({ config, seen: observation(config), left })["request"]).toMatchObject({ left });
        expect(leftOf(config, before)).toBeUndefined();
        expect(leftOf(undefined, config)).toBeUndefined();
    });

    test("bring no contents where a service is taken off", () => {
        expect(hostVariables({ config, seen: observation(config), remove: true })).toMatchObject({
            phase: "remove",
            contents: {},
        });
    });
});

test("ZooKeeper's four-letter words are read", () => {
    expect(parseMode("Zookeeper version: 3.8.0\nMode: follower\nNode count: 5\n")).toBe("follower");
    expect(parseMode("This ZooKeeper instance is not currently serving requests\n")).toBeUndefined();
    expect(parseSynced("zk_version\t3.8.0\nzk_synced_followers\t2\n")).toBe(2);
    expect(parseSynced("zk_server_state\tfollower\n")).toBeUndefined();
});

describe("a generated secret", () => {
    const context = { urn: "u", name: "s", log: () => undefined };

    test("is letters and digits of the asked length, another each time", () => {
        expect(generate(32)).toMatch(/^[A-Za-z0-9]{32}$/);
        expect(generate(32)).not.toBe(generate(32));
    });

    test("is not known before it is made", async () => {
        expect((await generatedSecret.create({ length: 32 }, true, context)).outputs["value"]).toBe(UNKNOWN);
    });

    test("stays what it is when it is read", async () => {
        const made = await generatedSecret.create({ length: 32 }, false, context);
        const read = await generatedSecret.read("s", { length: 32 }, made.outputs, context);
        expect(read?.outputs).toEqual(made.outputs);
        expect(read?.secretOutputs).toEqual([["value"]]);
    });

    test.each<[string, object, object, boolean]>([
        ["another number", { generation: 1 }, { generation: 2 }, true],
        ["a first number above 1", {}, { generation: 2 }, true],
        ["its own number beside that of all", { generation: 2 }, { generation: 2, ownGeneration: 2 }, true],
        ["a first 1", {}, { generation: 1, ownGeneration: 1 }, false],
        ["a number that is taken out", { generation: 2, ownGeneration: 3 }, { generation: 2 }, false],
        ["the same number", { generation: 2 }, { generation: 2 }, false],
    ])("%s: is made anew, or stays", async (_, before, after, isNew) => {
        const { changes, replaces } = generatedSecret.diff(
            { length: 32, ...before },
            { length: 32, ...after },
            context,
        );
        expect(changes.length > 0).toBe(isNew);
        expect(replaces).toEqual([]);
        const told: string[] = [];
        const log = (_severity: string, line: string): void => void told.push(line);
        const update = (preview: boolean) =>
            generatedSecret.update("s", {}, { length: 32, ...after }, preview, { ...context, log });
        expect((await update(true)).outputs["value"]).toBe(UNKNOWN);
        const { outputs, secretOutputs } = await update(false);
        expect(outputs["value"]).toMatch(/^[A-Za-z0-9]{32}$/);
        expect(secretOutputs).toEqual([["value"]]);
        expect(told).toEqual(Array(2).fill("s: made anew; what uses it gets it in this run"));
        expect(told.join()).not.toContain(outputs["value"]);
    });

    test("of another length is another one", () => {
        expect(generatedSecret.diff({ length: 32 }, { length: 40 }, context).replaces).toEqual([["length"]]);
    });

    test.each([0, 1.5, "2"])("fails with generation %j", async (generation) => {
        expect(await generatedSecret.check({ length: 32, generation }, undefined, context)).toEqual([
            { property: "generation", reason: "must be a whole number of at least 1" },
        ]);
    });

    test.each([8, 24.5, "32", undefined])("fails with length %j", async (length) => {
        const failures = await generatedSecret.check(length === undefined ? {} : { length }, undefined, context);
        expect(failures).toEqual([{ property: "length", reason: "must be a whole number of at least 24 characters" }]);
    });
});
