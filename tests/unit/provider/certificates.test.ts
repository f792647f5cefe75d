/** The site's own authority over the years, and what it signs: the resources with a clock of the test's, judged by Node.js and OpenSSL. */
import { execFileSync } from "node:child_process";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { certificate } from "../../../provider/resources/certificate";
import { certificateAuthority } from "../../../provider/resources/certificateAuthority";
import type { Context, ResourceType, State } from "../../../provider/resources/resource";
import { type Properties, UNKNOWN } from "../../../provider/wire";
import { certificatesOf } from "../../../site/checks/certificates";

const DAY = 86_400_000;
const HOUR = DAY / 24;
const dir = mkdtempSync(join(tmpdir(), "certificates-"));
afterAll(() => rmSync(dir, { recursive: true }));

let now = Date.now();
const clock = (): number => now;

/** A resource as the engine keeps it from run to run. */
class Kept {
    private state: { inputs: Properties; outputs: Properties } | undefined;
    public readonly said: string[] = [];

    public constructor(
        private readonly type: ResourceType,
        private readonly name: string,
    ) {}

    private get context(): Context {
        return {
            urn: `urn:${this.name}`,
            name: this.name,
            ...(this.state && { outputs: this.state.outputs }),
            log: (_severity, line) => this.said.push(line),
        };
    }

    public get outputs(): Record<string, string> {
        return (this.state?.outputs ?? {}) as Record<string, string>;
    }

    /** @returns paths that differ */
    public diff(inputs: Properties): string[] {
        if (this.state === undefined) return ["all"];
        return this.type.diff(this.state.inputs, inputs, this.context).changes.map(({ path }) => path.join("."));
    }

    private run(inputs: Properties, preview: boolean): Promise<State> {
        const { state, type, name } = this;
        return state === undefined
            ? type.create(inputs, preview, this.context)
            : type.update(name, state.inputs, inputs, preview, this.context);
    }

    public async preview(inputs: Properties): Promise<Properties> {
        return (await this.run(inputs, true)).outputs;
    }

    /** @returns whether anything was changed */
    public async up(inputs: Properties): Promise<boolean> {
        expect(await this.type.check(inputs, undefined, this.context)).toEqual([]);
        if (this.diff(inputs).length === 0) return false;
        const { outputs, secretOutputs } = await this.run(inputs, false);
        // Every private key is a secret.
        const keys = JSON.stringify(outputs).match(/BEGIN PRIVATE KEY/g)?.length ?? 0;
        const named = (secretOutputs ?? []).filter(
            (path) => path.reduce<unknown>((at, key) => (at as Properties | undefined)?.[key], outputs) !== undefined,
        );
        expect(named).toHaveLength(keys);
        this.state = { inputs, outputs };
        return true;
    }
}

const authorityInputs = (changes: Properties = {}): Properties => ({
    organisation: "lab",
    days: 3650,
    overlapHours: 24,
    generation: 1,
    ...changes,
});

const serverInputs = ({ outputs }: Kept, changes: Properties = {}): Properties => ({
    authority: { certificate: outputs["certificate"] ?? "", key: outputs["key"] ?? "" },
    organisation: "lab",
    names: ["10.0.0.1", "bm1", "marathon.mesos"],
    days: 90,
    ...changes,
});

const site = async (): Promise<{ authority: Kept; server: Kept }> => {
    const authority = new Kept(certificateAuthority(clock), "authority");
    const server = new Kept(certificate(clock), "marathon-bm1");
    await authority.up(authorityInputs());
    await server.up(serverInputs(authority));
    return { authority, server };
};

/** Whether OpenSSL, which asks more than Node.js' X.509, trusts a server's certificate at a time. */
function trusts(trusted: string, shown: string, at = now): boolean {
    const [ca, leaf] = [join(dir, "ca.pem"), join(dir, "leaf.pem")];
    writeFileSync(ca, trusted);
    writeFileSync(leaf, shown);
    const args = ["verify", "-x509_strict", "-purpose", "sslserver", "-attime", String(Math.floor(at / 1000))];
    try {
        execFileSync("openssl", [...args, "-CAfile", ca, "-verify_ip", "10.0.0.1", leaf], { stdio: "pipe" });
        return true;
    } catch {
        return false;
    }
}

beforeEach(() => (now = Date.now()));

test("a server's certificate is its authority's, names it, and fits its key; nobody else's is trusted", async () => {
    const { authority, server } = await site();
    const own = new X509Certificate(server.outputs["certificate"] ?? "");
    expect(own.checkPrivateKey(createPrivateKey(server.outputs["key"] ?? ""))).toBe(true);
    expect(own.subjectAltName).toBe("IP Address:10.0.0.1, DNS:bm1, DNS:marathon.mesos");
    expect([own.subject, own.issuer]).toEqual(["O=lab\nCN=marathon-bm1", "O=lab\nCN=Site CA 1"]);
    expect(Math.round((Date.parse(own.validTo) - now) / DAY)).toBe(90);
    // A host's clock may be behind.
    expect(Date.parse(own.validFrom)).toBeLessThan(now - HOUR / 2);
    const trusted = authority.outputs["trusted"] ?? "";
    expect(trusts(trusted, server.outputs["certificate"] ?? "")).toBe(true);
    expect(trusts((await site()).authority.outputs["trusted"] ?? "", server.outputs["certificate"] ?? "")).toBe(false);
});

test("a run without need changes nothing; with less than a third of its life left there is a new one, and the preview says why", async () => {
    const { authority, server } = await site();
    const first = server.outputs["certificate"];
    for (const day of [1, 30, 59]) {
        now = Date.now() + day * DAY;
        expect(await authority.up(authorityInputs())).toBe(false);
        expect(await server.up(serverInputs(authority))).toBe(false);
    }
    now = Date.now() + 61 * DAY;
    expect(server.diff(serverInputs(authority))).toEqual(["notAfter"]);
    expect(await server.preview(serverInputs(authority))).toEqual({
        certificate: UNKNOWN,
        key: UNKNOWN,
        notAfter: UNKNOWN,
    });
    expect(server.said).toEqual(["a new key and certificate: 28 days are left, 90 is its life"]);
    expect(server.outputs["certificate"]).toBe(first);
    expect(await server.up(serverInputs(authority))).toBe(true);
    expect(server.outputs["certificate"]).not.toBe(first);
    expect(trusts(authority.outputs["trusted"] ?? "", server.outputs["certificate"] ?? "")).toBe(true);
    expect(await server.up(serverInputs(authority))).toBe(false);
});

test("another name is another certificate, another life alone is not", async () => {
    const { authority, server } = await site();
    expect(server.diff(serverInputs(authority, { days: 100 }))).toEqual([]);
    expect(server.diff(serverInputs(authority, { days: 365 }))).toEqual(["notAfter"]);
    const named = serverInputs(authority, { names: ["10.0.0.1", "bm1", "front"] });
    expect(server.diff(named)).toEqual(["names.2"]);
    await server.preview(named);
    expect(server.said).toEqual(["a new key and certificate: it names others"]);
});

test("one authority follows another in three runs, and at each moment everybody trusts what anybody shows", async () => {
    const { authority, server } = await site();
    const subjects = (): string[] =>
        certificatesOf(authority.outputs["trusted"] ?? "").map(({ subject }) => subject.replace("O=lab\nCN=", ""));
    const trusted: string[] = [authority.outputs["trusted"] ?? ""];
    const shown: string[] = [server.outputs["certificate"] ?? ""];
    let first = "";
    const run = async (): Promise<boolean[]> => {
        await authority.preview(authorityInputs());
        const changed = [await authority.up(authorityInputs()), await server.up(serverInputs(authority))];
        // During a run some have what was before it, others what comes after.
        trusted.push(authority.outputs["trusted"] ?? "");
        shown.push(server.outputs["certificate"] ?? "");
        for (const one of trusted.slice(-2)) for (const other of shown.slice(-2)) expect(trusts(one, other)).toBe(true);
        return changed;
    };
    now = Date.now() + 2400 * DAY;
    await server.up(serverInputs(authority));
    [trusted[0], shown[0]] = [authority.outputs["trusted"] ?? "", server.outputs["certificate"] ?? ""];
    [first] = shown as [string];
    expect(await run()).toEqual([false, false]);

    now = Date.now() + 2434 * DAY;
    expect(await run()).toEqual([true, false]);
    expect(subjects()).toEqual(["Site CA 1", "Site CA 2"]);
    now += 23 * HOUR;
    expect(await run()).toEqual([false, false]);

    now += 2 * HOUR;
    const foretold = await authority.preview(authorityInputs());
    expect([foretold["certificate"], foretold["trusted"]]).toEqual([UNKNOWN, UNKNOWN]);
    // What is not known in a preview is a change all the same.
    const unknown = { authority: { certificate: UNKNOWN, key: UNKNOWN } };
    expect(server.diff(serverInputs(authority, unknown))).toEqual(["authority.certificate"]);
    expect(await run()).toEqual([true, true]);
    expect(subjects()).toEqual(["Site CA 2", "Site CA 1"]);

    now += 25 * HOUR;
    expect(await run()).toEqual([true, false]);
    expect(subjects()).toEqual(["Site CA 2"]);
    expect(trusts(authority.outputs["trusted"] ?? "", first)).toBe(false);
    expect(await run()).toEqual([false, false]);
    expect(Object.keys(authority.outputs).sort()).toEqual(Object.keys((await site()).authority.outputs).sort());
    const said = authority.said.filter((line) => line !== "stays as it is");
    expect([...new Set(said)]).toEqual([
        expect.stringMatching(
            /^a new authority is made \(121\d of its 3650 days are left\) and trusted beside the old one/,
        ),
        expect.stringMatching(/^the new authority signs from now on/),
        "the old authority is trusted no more",
    ]);
});

test("another generation makes another authority; its life bounds what it signs", async () => {
    const { authority } = await site();
    expect(await authority.up(authorityInputs({ generation: 2, overlapHours: 0 }))).toBe(true);
    expect(certificatesOf(authority.outputs["trusted"] ?? "")).toHaveLength(2);
    const short = new Kept(certificateAuthority(clock), "short");
    await short.up(authorityInputs({ days: 10 }));
    const server = new Kept(certificate(clock), "s");
    await server.up(serverInputs(short));
    expect(server.outputs["notAfter"]).toBe(short.outputs["notAfter"]);
    expect(await server.up(serverInputs(short))).toBe(false);
});

test("what is no number of days and names nobody is refused, all at once", async () => {
    const context: Context = { urn: "", name: "", log: () => undefined };
    expect(await certificate().check({ names: [], days: 0.5 }, undefined, context)).toHaveLength(2);
    expect(
        await certificateAuthority().check({ days: 0, overlapHours: -1, generation: 1 }, undefined, context),
    ).toHaveLength(2);
});
