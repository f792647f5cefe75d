/** Nobody gets in without a credential, and no secret lies where somebody could read it. */
import { readdirSync, readFileSync } from "node:fs";
import { CODE } from "../../frameworks/zookeeper/errors";
import { type Acl, OPEN } from "../../frameworks/zookeeper/acl";
import type { ZooKeeperSession } from "../../frameworks/zookeeper/session";
import { agents, ask, leadingMaster, openSession, operatorAuth } from "./support/endpoints";
import { HOSTS, on, QUORUM, unitsOf } from "./support/hosts";
import { allSecrets, patterns, secretsIn } from "./support/secrets";
import { AGENTS, healthy, onTheLab } from "./support/site";
import { exportState, markChanged, outputs, startUp } from "./support/stack";
import { pause } from "./support/steps";

onTheLab();

const READ = 1;

/** Every node at and below a path. */
async function tree(session: ZooKeeperSession, path: string): Promise<string[]> {
    const children = await session.children(path);
    const below = await Promise.all(children.map((name) => tree(session, `${path}/${name}`)));
    return [path, ...below.flat()];
}

const subscribe = (principal: string) => ({
    type: "SUBSCRIBE",
    subscribe: { framework_info: { user: "root", name: "stranger", roles: ["tests"], principal } },
});

describe("authentication", () => {
    test("masters and agents tell their state only to whom they know", async () => {
        const auth = await operatorAuth();
        const places = [...QUORUM.map((host) => [host, 5050] as const), ...AGENTS.map((host) => [host, 5051] as const)];
        for (const [host, port] of places) {
            const wrong = "operator:wrong";
            const answers = await Promise.all([
                ask(host, port, "/state"),
                ask(host, port, "/state", { auth: wrong }),
                ask(host, port, "/api/v1", { method: "POST", body: { type: "GET_FLAGS" } }),
                ask(host, port, "/flags", { auth }),
            ]);
            expect([host, ...answers.map(({ status }) => status)]).toEqual([host, 401, 401, 401, 200]);
        }
    });

    test("a framework with a wrong secret, none, or that of another one, is refused", async () => {
        const leader = (await leadingMaster()) ?? "";
        const { frameworks } = await outputs();
        const call = (auth?: string) =>
            ask(leader, 5050, "/api/v1/scheduler", {
                method: "POST",
                body: subscribe("tester"),
                ...(auth !== undefined && { auth }),
            });
        expect((await call()).status).toBe(401);
        expect((await call("tester:wrong")).status).toBe(401);
        expect((await call(`marathon:${frameworks["tester"]?.secret ?? ""}`)).status).toBe(401);
        // Another one's name under its own credential.
        expect((await call(`marathon:${frameworks["marathon"]?.secret ?? ""}`)).status).not.toBe(200);
    });

    test("a framework cannot do what only the operator may", async () => {
        const leader = (await leadingMaster()) ?? "";
        const [agent] = (await agents()) ?? [];
        const { frameworks } = await outputs();
        const answer = await ask(leader, 5050, "/api/v1", {
            method: "POST",
            auth: `tester:${frameworks["tester"]?.secret ?? ""}`,
            body: { type: "DEACTIVATE_AGENT", deactivate_agent: { agent_id: { value: agent?.id } } },
        });
        expect(answer.status).toBe(403);
    });

    test("nobody but Mesos writes to Mesos' part of ZooKeeper", async () => {
        const session = await openSession();
        try {
            const nodes = await tree(session, "/mesos");
            expect(nodes.length).toBeGreaterThan(3);
            const acls = await Promise.all(nodes.map((path) => session.acl(path)));
            const open = nodes.filter((_, index) =>
                (acls[index] ?? []).some(({ scheme, perms }: Acl) => scheme === "world" && (perms & ~READ) !== 0),
            );
            expect(open).toEqual([]);
            const refused = (work: Promise<unknown>) => expect(work).rejects.toMatchObject({ code: CODE.noAuth });
            await refused(session.create("/mesos/intruder", "x", { acl: OPEN }));
            await refused(session.setData("/mesos", "x"));
            await refused(session.remove(nodes[nodes.length - 1] ?? ""));
            const secrets = await allSecrets();
            await session.authenticate("mesos", secrets["zookeeper-digest"] ?? "");
            await session.create("/mesos/e2e", "x");
            await session.remove("/mesos/e2e");
        } finally {
            await session.close();
        }
    });
});

/** Searches a host; the secrets come through standard input and stand in no process list. */
const SEARCH = `
p=$(cat); nobody() { runuser -u nobody -- "$@"; }
echo "[control]"; printf '%s' "$p" | grep -rlF -f - /etc/mesos
echo "[process list]"; nobody ps auxeww | grep -F -f <(printf '%s' "$p")
for f in /proc/[0-9]*/cmdline; do tr '\\0' ' ' <"$f"; echo; done 2>/dev/null | grep -F -f <(printf '%s' "$p")
echo "[journal]"; journalctl --no-pager -o cat | grep -F -f <(printf '%s' "$p") | head -3
echo "[readable]"; printf '%s' "$p" | nobody grep -rlsF -f - /etc /var /run /tmp /root /home /opt /srv /usr/local /dev/shm
true`;

function sections(text: string): Record<string, string> {
    const parts = text.split(/^\[(.*)\]$/m).slice(1);
    return Object.fromEntries(
        parts.flatMap((name, index) => (index % 2 === 0 ? [[name, parts[index + 1]?.trim() ?? ""]] : [])),
    );
}

describe("secrets", () => {
    test("are encrypted in the state", async () => {
        const secrets = await allSecrets();
        expect(Object.keys(secrets).length).toBeGreaterThanOrEqual(6);
        const { text } = await exportState();
        expect(secretsIn(text, secrets)).toEqual([]);
        expect(text).toContain("ciphertext");
    });

    test("stand on the hosts in no process list, no journal and no file that others may read", async () => {
        const secrets = await allSecrets();
        const found = await Promise.all(HOSTS.map((host) => on(host, SEARCH, patterns(secrets))));
        HOSTS.forEach((host, index) => {
            const { control, ...leaks } = sections(found[index] ?? "");
            // Root finds them: the search itself works.
            expect([host, control]).toEqual([host, expect.stringContaining("/etc/mesos/")]);
            expect([host, leaks]).toEqual([host, { "process list": "", journal: "", readable: "" }]);
        });
    });

    test("stay out of logs and process lists while files that hold them are written", async () => {
        const secrets = await allSecrets();
        const master = "bm1";
        markChanged();
        await on(master, "echo >>/etc/mesos/credentials.json; sed -i s/secret/seCret/ /etc/mesos/credentials.json");
        await on("bm4", "echo >>/etc/mesos/agent-credential.json");
        const running = startUp("--refresh", "--diff");
        const leaks = new Set<string>();
        let looks = 0;
        const state = { going: true };
        const ended = running.ended.finally(() => (state.going = false));
        while (state.going) {
            looks += 1;
            // The hosts' processes too: they run on this machine.
            for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
                try {
                    const line = readFileSync(`/proc/${pid}/cmdline`, "utf8");
                    secretsIn(line, secrets).forEach((name) => leaks.add(`${name} in ${line.slice(0, 60)}`));
                } catch {
                    // It has ended meanwhile.
                }
            }
            await pause(50);
        }
        const { code, text } = await ended;
        expect([code, text]).toEqual([0, expect.stringContaining("credentials.json")]);
        expect(looks).toBeGreaterThan(20);
        expect([...leaks]).toEqual([]);
        expect(secretsIn(text, secrets)).toEqual([]);
        await healthy();
        const journals = await Promise.all(
            [master, "bm4"].map((host) =>
                on(
                    host,
                    `journalctl --no-pager -o cat -n 2000 ${unitsOf(host)
                        .map((unit) => `-u ${unit}`)
                        .join(" ")}`,
                ),
            ),
        );
        expect(journals.flatMap((text) => secretsIn(text, secrets))).toEqual([]);
    });
});
