/** The tools as a user runs them: the bundle, in a checkout of its own. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildSync } from "esbuild";

const repository = join(__dirname, "../../..");
const root = mkdtempSync(join(tmpdir(), "site-cli-"));
const bundle = join(root, "bin", "site.js");

const faulty = readFileSync(join(repository, "lab/Pulumi.lab.yaml"), "utf8")
    .replace("bm3: 3", "bm3: 2")
    .replace("masters:", "masters:\n            quorom: 2");
const lineOf = (text: string) => faulty.slice(0, faulty.indexOf(text)).split("\n").length;

beforeAll(() => {
    buildSync({
        entryPoints: [join(repository, "site/cli.ts")],
        bundle: true,
        platform: "node",
        outfile: bundle,
        loader: { ".j2": "text" },
        logLevel: "error",
    });
    const files = [
        "Pulumi.prod.yaml",
        "lab/Pulumi.lab.yaml",
        "schema/site.schema.json",
        "docs/reference.md",
        "README.md",
    ];
    for (const path of files) cpSync(join(repository, path), join(root, path));
    writeFileSync(join(root, "Pulumi.faulty.yaml"), faulty);
});
afterAll(() => rmSync(root, { recursive: true }));

function site(...args: string[]) {
    const { status, stdout, stderr } = spawnSync(process.execPath, [bundle, ...args], {
        encoding: "utf8",
        cwd: tmpdir(),
    });
    return { status, stdout, stderr };
}

test("check: a sound stack", () => {
    expect(site("check", "-s", "lab")).toEqual({
        status: 0,
        stdout: `${join(root, "lab/Pulumi.lab.yaml")}: no fault\n`,
        stderr: "",
    });
});

test("check: every fault, with its line", () => {
    const { status, stdout } = site("check", "-s", "faulty");
    const file = join(root, "Pulumi.faulty.yaml");
    expect(status).toBe(1);
    expect(stdout).toBe(
        [
            `${file}:${lineOf("quorom")}`,
            'error KEY_UNKNOWN at masters.quorom: there is no such setting as "quorom"',
            '    fix:     did you mean "quorum"?',
            `${file}:${lineOf("bm3: 2")}`,
            "error ZK_ID_TWICE at zookeeper.members.bm3: bm2 and bm3 have the same server id",
            "    value:   2",
            "",
        ].join("\n"),
    );
});

test("check --json: the same for machines", () => {
    const { status, stdout } = site("check", "-s", "faulty", "--json");
    expect(status).toBe(1);
    const { issues } = JSON.parse(stdout) as { issues: { code: string; line: number }[] };
    expect(issues.map(({ code, line }) => [code, line])).toEqual([
        ["KEY_UNKNOWN", lineOf("quorom")],
        ["ZK_ID_TWICE", lineOf("bm3: 2")],
    ]);
});

test("plan, in words and as JSON", () => {
    expect(site("plan", "-s", "lab").stdout).toContain("masters: 3, quorum 2\n");
    expect(JSON.parse(site("plan", "-s", "prod", "--json").stdout)).toMatchObject({ cluster: "alice" });
});

test("picture", () => {
    expect(site("picture", "-s", "lab").stdout).toMatch(/^flowchart TB\n/);
});

test("generate --check finds what is stale, generate mends it", () => {
    expect(site("generate", "--check")).toEqual({ status: 0, stdout: "", stderr: "" });
    writeFileSync(join(root, "docs/reference.md"), "old");
    const readme = join(root, "README.md");
    writeFileSync(readme, readFileSync(readme, "utf8").replace("flowchart TB", "a picture drawn by hand"));
    expect(site("generate", "--check")).toEqual({
        status: 1,
        stdout: "",
        stderr: ["docs/reference.md", "README.md"]
            .map((name) => `${name} is not what it is made from says: run \`npm run generated\`\n`)
            .join(""),
    });
    expect(site("generate")).toEqual({ status: 0, stdout: "wrote docs/reference.md\nwrote README.md\n", stderr: "" });
    expect(readFileSync(readme, "utf8")).toContain("flowchart TB");
});

test.each([
    [["chek"], '"chek" is none of check, plan, picture, generate'],
    [["check"], "say which stack: -s NAME"],
    [[], "give one of check, plan, picture, generate"],
    [["check", "-s", "nope"], 'there is no stack file for "nope"'],
    [["check", "--stakc", "lab"], "Unknown option '--stakc'"],
])("fails on %j with status 2 and the usage", (args, message) => {
    const { status, stderr } = site(...args);
    expect(status).toBe(2);
    expect(stderr).toContain(message);
    expect(stderr).toContain("usage: site check");
});
