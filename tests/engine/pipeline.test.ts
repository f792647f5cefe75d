/** What the workflow files run: a real preview, and its page at a server that keeps comments as GitHub does. */
import { spawn } from "node:child_process";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { siteOf, Stack } from "./stack";

const root = join(__dirname, "..", "..");
const lab = siteOf("lab/Pulumi.lab.yaml");

let stack: Stack;
let server: Server;
let url: string;
const comments: { id: number; body: string }[] = [];
const tokens = new Set<string | undefined>();

beforeAll(async () => {
    stack = new Stack(lab);
    server = createServer((request, response) => {
        let text = "";
        request.on("data", (chunk) => (text += String(chunk)));
        request.on("end", () => {
            tokens.add(request.headers.authorization);
            const { body = "" } = text === "" ? {} : (JSON.parse(text) as { body?: string });
            if (request.method === "POST") comments.push({ id: comments.length + 1, body });
            const id = Number(/comments\/(\d+)/.exec(request.url ?? "")?.[1]);
            const one = comments.find((comment) => comment.id === id);
            if (request.method === "PATCH" && one !== undefined) one.body = body;
            const page = /[?&]page=1(&|$)/.test(request.url ?? "") ? comments : [];
            response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(page));
        });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
    server.close();
    stack.remove();
});

interface Workflow {
    readonly jobs: {
        readonly preview: { readonly steps: readonly { readonly name?: string; readonly run?: string }[] };
    };
}

/** The workflow's own step. */
const script = (
    parse(readFileSync(join(root, ".github", "workflows", "preview.yml"), "utf8")) as Workflow
).jobs.preview.steps.find(({ name }) => name === "Preview")?.run;

function pipeline(more: NodeJS.ProcessEnv = {}): Promise<number | null> {
    const env = {
        ...stack.env(),
        STACK: "test",
        REPORT_DIR: join(stack.dir, "reports"),
        GITHUB_ACTIONS: "true",
        GITHUB_API_URL: url,
        GITHUB_REPOSITORY: "site/mesos",
        GITHUB_TOKEN: "t0ken",
        GITHUB_EVENT_PATH: join(__dirname, "pullRequest.json"),
        ...more,
    };
    const child = spawn("bash", ["-e", "-c", `${script ?? "exit 9"} --look no --cwd ${stack.dir}`], {
        cwd: root,
        env,
        stdio: "ignore",
    });
    return new Promise((resolve) => child.on("close", resolve));
}

test("a page is made, then edited in place, and the exit status is the policy's", async () => {
    expect(await pipeline()).toBe(0);
    expect(comments).toHaveLength(1);
    expect(comments[0]?.body).toContain("15 to create");
    stack.declare({ ...lab, zookeepr: {} });
    expect(await pipeline()).toBe(1);
    expect(comments).toHaveLength(1);
    expect(comments[0]?.body).toContain('did you mean "zookeeper"?');
    expect(await pipeline({ PULUMI_MESOS_FAIL_ON: "never" })).toBe(0);
    expect(tokens).toEqual(new Set(["Bearer t0ken"]));
});

test("no preview at all replaces the old page too", async () => {
    expect(await pipeline({ PULUMI_CONFIG_PASSPHRASE: "wrong" })).not.toBe(0);
    expect(comments).toHaveLength(1);
    expect(comments[0]?.body).not.toContain("did you mean");
});

test("a comment that cannot be made fails the pipeline", async () => {
    stack.declare(lab);
    expect(await pipeline({ GITHUB_API_URL: "http://127.0.0.1:1" })).toBe(3);
});
