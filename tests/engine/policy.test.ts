/** The policy pack by the real engine: what it refuses, what it only says, and how a site tunes it. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Report } from "../../report/model";
import { type Services, startServices } from "./services";
import { type Site, siteOf, Stack } from "./stack";

const pack = join(__dirname, "..", "..", "policy");
const lab = siteOf("lab/Pulumi.lab.yaml");
const app = (env: object): string => JSON.stringify({ id: "/shop/web", cmd: "serve", cpus: 0.1, mem: 32, env });

let stack: Stack;
let services: Services;
let site: Site;

const check = (...args: string[]): ReturnType<Stack["preview"]> => stack.preview("--policy-pack", pack, ...args);

beforeAll(async () => {
    stack = new Stack(lab);
    services = await startServices(stack.dir);
    site = { ...lab, marathon: { existing: { urls: [services.marathon] } }, apps: ["apps"] };
    mkdirSync(join(stack.dir, "apps"));
    writeFileSync(join(stack.dir, "apps", "web.json"), app({ DB_PASSWORD: "${secret:token}" }));
    stack.declare(site);
    stack.pulumi("config", "set", "-s", "test", "--secret", "pulumi-mesos:token", "geheim-und-lang");
});
afterAll(() => {
    services.stop();
    stack.remove();
});

test("the lab passes, and hears what could be better", () => {
    const { ok, text } = check();
    expect(text).toMatch(/advisory[^]*protection[^]*is not protected, but it is part of a quorum/);
    expect(text).toMatch(/versions[^]*package mesos has no version/);
    expect(text).not.toContain("geheim-und-lang");
    expect(text).not.toMatch(/\[mandatory\]/);
    expect(ok).toBe(true);
});

test("authentication that is off is refused", () => {
    stack.declare({ ...site, authentication: { http: false } });
    const { ok, text } = check();
    expect(ok).toBe(false);
    expect(text).toMatch(/authenticate_http_readonly, authenticate_http_readwrite is off/);
});

test("quorums in one zone are refused", () => {
    stack.declare({
        ...site,
        hosts: {
            "bm[1-3]": { kind: "bareMetal", address: "10.213.0.[11-13]", zone: "zone-a" },
            "bm[4-6]": { kind: "bareMetal", address: "10.213.0.[14-16]", zone: "zone-a" },
        },
    });
    const { ok, text } = check();
    expect(ok).toBe(false);
    expect(text).toMatch(/zookeeper: 3 hosts in 1 zone \(zone-a\); 3 are wanted/);
    expect(stack.done()).toEqual([]);
    stack.declare(site);
});

test("a secret in plain is refused by name, without its value; one of the stack is not", () => {
    writeFileSync(
        join(stack.dir, "apps", "web.json"),
        app({ DB_PASSWORD: "${secret:token}", API_TOKEN: "hunter2-in-plain" }),
    );
    const { ok, text } = stack.pulumi("preview", "-s", "test", "--policy-pack", pack);
    expect(ok).toBe(false);
    expect(text).toContain("API_TOKEN is in plain in its definition");
    expect(text).not.toContain("DB_PASSWORD is in plain");
    expect(text).not.toContain("hunter2-in-plain");
});

test("up refuses too, before anything is made of it", () => {
    const { ok } = stack.up("--policy-pack", pack);
    expect(ok).toBe(false);
    expect(stack.pulumi("stack", "export", "-s", "test").text).not.toContain("MarathonApp::");
});

test("a site's own settings", () => {
    const config = join(stack.dir, "policy.json");
    writeFileSync(
        config,
        JSON.stringify({
            protection: "disabled",
            "no-plain-secret": { except: ["API_*"] },
            versions: { enforcementLevel: "mandatory", allowed: { mesos: ["1.10.*"] } },
            naming: { enforcementLevel: "mandatory", hosts: "^alibuild" },
        }),
    );
    stack.declare({ ...site, distribution: { kind: "apt", package: "mesos", version: "1.11.0-1" } });
    const { ok, text } = check("--policy-pack-config", config);
    expect(ok).toBe(false);
    expect(text).toContain("package mesos 1.11.0-1 is none of 1.10.*");
    expect(text).toContain("host bm1 is not named as ^alibuild");
    expect(text).not.toContain("is not protected");
    expect(text).not.toContain("API_TOKEN is in plain");
});

test("a report carries the violations", () => {
    const { status, stdout } = stack.tool("report", "--look", "no", "--json", "-", "--policy-pack", pack);
    const { dangers } = JSON.parse(stdout) as Report;
    expect(status).toBe(1);
    expect(
        dangers
            .filter(({ kind }) => kind === "policy")
            .map(({ text }) => text)
            .join("\n"),
    ).toMatch(/no-plain-secret \(mandatory\): .*: API_TOKEN is in plain/);
});
