/** The site's own authority by the real engine: made once, renewed by time, foretold by previews, its keys nowhere in plain. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { siteOf, Stack } from "./stack";

let stack: Stack;
let keys: string[];

interface Exported {
    deployment: { resources: { type: string; outputs?: { key?: { plaintext?: string } } }[] };
}

/** The middle of each private key in the state: its first letters are the same in all. */
function keysNow(): string[] {
    const { deployment } = JSON.parse(stack.pulumi("stack", "export", "-s", "test", "--show-secrets").text) as Exported;
    return deployment.resources.flatMap(({ type, outputs }) =>
        type.startsWith("mesos:index:Certificate")
            ? [(JSON.parse(outputs?.key?.plaintext ?? '""') as string).split("\n")[2] ?? ""]
            : [],
    );
}

const state = (): string =>
    readFileSync(join(stack.dir, "state", ".pulumi", "stacks", "pulumi-mesos", "test.json"), "utf8");

/** An up as a person runs it, and what it did. */
function up(...args: string[]): { text: string; done: string[] } {
    const { ok, text } = stack.up(...args);
    expect([ok, ok ? "" : text]).toEqual([true, ""]);
    return { text, done: stack.done() };
}

beforeAll(() => {
    stack = new Stack({
        ...siteOf("lab/Pulumi.lab.yaml"),
        frameworks: { marathon: { roles: ["services"], users: ["nobody"] } },
        marathon: { members: ["bm[1-2]"], tls: { issuer: "site" }, package: { name: "marathon" } },
        discovery: { hosts: ["bm3"] },
    });
    up();
    keys = keysNow();
});
afterAll(() => stack.remove());

test("private keys are secrets in the state, in outputs, and after a refresh; a second up changes nothing", () => {
    expect(keys).toHaveLength(3);
    for (const key of keys) expect(key.length).toBeGreaterThan(20);
    expect(up("--refresh", "--expect-no-changes").done).toEqual([]);
    const plain = (text: string): string[] => keys.filter((key) => text.includes(key));
    expect(plain(state())).toEqual([]);
    const { text } = stack.pulumi("stack", "output", "-s", "test", "authorities");
    expect(text).toMatch(/^-----BEGIN CERTIFICATE-----/);
    expect(plain(text)).toEqual([]);
});

test("until two thirds of its life are over nothing happens; then the preview says why, and the servers restart in turn, the leader last", () => {
    stack.setDays(59);
    expect(up("--expect-no-changes").done).toEqual([]);
    stack.setDays(61);
    const { text } = stack.preview();
    expect(text).toContain("a new key and certificate: 28 days are left, 90 is its life");
    for (const host of ["bm1", "bm2"])
        expect(text).toContain(
            `${host}: restarts marathon.service, tasks keep running (/etc/marathon/tls-certificate.pem, /etc/marathon/tls-key.pem)`,
        );
    expect(text).toContain("4 to update");
    expect(keys.filter((key) => text.includes(key))).toEqual([]);
    expect(stack.done()).toEqual([]);
    expect(up().done).toEqual(["converge marathon bm1", "converge marathon bm2"]);
    expect(up("--expect-no-changes").done).toEqual([]);
    const [authority, ...servers] = keysNow();
    expect(authority).toBe(keys[0]);
    expect(servers.filter((key) => keys.includes(key))).toEqual([]);
});

test("one authority follows another in three runs; each is foretold, and told to everybody who asks", () => {
    stack.setDays(2440);
    up();
    const foretold = stack.preview("--expect-no-changes");
    expect(foretold.ok).toBe(true);
    stack.setDays(2441.5);
    const { text } = stack.preview();
    expect(text).toContain("the new authority signs from now on, and every certificate is made anew");
    expect(text).toContain("another authority signs");
    // What a preview cannot know yet is no fault.
    expect(text).not.toMatch(/error|warning/i);
    expect(up().done).toEqual(["converge marathon bm1", "converge marathon bm2", "converge discovery bm3"]);
    stack.setDays(2443);
    expect(stack.preview().text).toContain("the old authority is trusted no more");
    expect(up().done).toEqual(["converge marathon bm1", "converge marathon bm2", "converge discovery bm3"]);
    expect(up("--refresh", "--expect-no-changes").done).toEqual([]);
    expect(stack.pulumi("stack", "output", "-s", "test", "authorities").text.match(/BEGIN/g)).toHaveLength(1);
});

test("a certificate whose key may be known to others is replaced when it is named", () => {
    const urn = /urn:\S+\$mesos:index:Certificate::marathon-bm2/.exec(
        stack.pulumi("stack", "-s", "test", "--show-urns").text,
    )?.[0];
    const before = keysNow();
    expect(up("--replace", urn ?? "").done).toEqual(["converge marathon bm2"]);
    const left = keysNow().filter((key) => before.includes(key));
    expect(left).toHaveLength(2);
});

test("the authority is kept until the stack file lets it go", () => {
    const { ok, text } = stack.pulumi("destroy", "-s", "test", "--yes", "--skip-preview");
    expect(ok).toBe(false);
    expect(text).toMatch(/authority[^]*protect/);
});
