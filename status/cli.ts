/** `npm run status`: how a site is. Exit status 0: healthy; 1: there are problems; 2: wrong usage; 3: it could not be asked. */
import { existsSync, renameSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { stackOutput } from "../report/outputs";
import { preview } from "../report/preview";
import { reportOf } from "../report/model";
import { formatIssues, planSite } from "../site";
import { loadStack } from "../site/load";
import { trusting } from "../site/plan/certificates";
import type { SiteStatus } from "./model";
import { pageOf } from "./page";
import { type Credential, readStatus } from "./read";
import { secureUrls } from "./services";
import { tableOf } from "./table";

const usage = `usage: npm run -s status -- -s STACK [options]

  -s, --stack NAME   the stack
      --json         as JSON
      --html FILE    as a page of its own, beside what is printed
      --watch [SEC]  again and again; --watch=5 every 5 s (default 10), until Ctrl-C
      --drift        looks for what is not as this stack has left it (a preview with --refresh)
  -C, --cwd DIR      where Pulumi.yaml is
`;

class UsageError extends Error {}

const root = resolve(__dirname, "..");

/** An output of the stack; undefined, with the reason on standard error, where it cannot be had. */
function outputOf(stack: string, cwd: string, name: string, what: string): unknown {
    try {
        return stackOutput(stack, cwd, name);
    } catch (error) {
        process.stderr.write(`asked without ${what}: ${(error as Error).message}\n`);
        return undefined;
    }
}

async function driftOf(stack: string, cwd: string): Promise<string[]> {
    const report = reportOf(await preview({ stack, cwd, look: "try", policyPacks: [] }));
    const found = (report.drift ?? []).flatMap(({ names, lines }) =>
        lines.map((line) => `${names.join(", ")}: ${line}`),
    );
    return [...found, ...report.unseen.map((line) => `not looked at: ${line}`)];
}

function writePage(file: string, text: string): void {
    // In one step: a browser may be reading.
    writeFileSync(`${file}.new`, text, { mode: 0o600 });
    renameSync(`${file}.new`, file);
}

async function run(argv: readonly string[]): Promise<number> {
    const args = argv.map((arg) => (arg === "--watch" ? "--watch=10" : arg));
    const { values } = parseArgs({
        args,
        options: {
            stack: { type: "string", short: "s" },
            json: { type: "boolean", default: false },
            html: { type: "string" },
            watch: { type: "string" },
            drift: { type: "boolean", default: false },
            cwd: { type: "string", short: "C" },
            help: { type: "boolean", short: "h", default: false },
        },
    });
    if (values.help) {
        process.stdout.write(usage);
        return 0;
    }
    if (values.stack === undefined) throw new UsageError("say which stack: -s NAME");
    const { stack, watch, html } = values;
    const seconds = watch === undefined ? undefined : Number(watch);
    if (seconds !== undefined && !(seconds >= 1 && seconds <= 3600))
        throw new UsageError(`--watch is "${watch ?? ""}": 1 to 3600 seconds are allowed`);
    const cwd = resolve(values.cwd ?? root);
    const file = join(cwd, `Pulumi.${stack.split("/").at(-1) ?? stack}.yaml`);
    if (!existsSync(file)) throw new UsageError(`there is no stack file ${file}`);
    const loaded = loadStack(file);
    const planned = loaded.issues.length > 0 ? { issues: loaded.issues } : planSite(loaded.config);
    if ("issues" in planned) throw new Error(`${file} has faults\n${formatIssues(planned.issues)}`);
    const { site } = planned;
    const operator = outputOf(stack, cwd, "operator", "the operator's credential") as Credential | undefined;
    const authorities =
        planned.plan.certificates && outputOf(stack, cwd, "authorities", "the certificates of the site's authority");
    const plan = typeof authorities === "string" ? trusting(planned.plan, authorities) : planned.plan;
    for (;;) {
        const drift = values.drift ? await driftOf(stack, cwd) : undefined;
        const status: SiteStatus = await readStatus({
            stack,
            plan,
            urls: secureUrls(plan, site),
            ...(typeof authorities === "string" ? { authorities } : {}),
            ...(site.backup === undefined ? {} : { maxBackupHours: site.backup.maxAgeHours }),
            ...(operator === undefined ? {} : { operator }),
            ...(drift === undefined ? {} : { drift }),
        });
        if (html !== undefined) writePage(html, pageOf(status, seconds));
        const clear = seconds !== undefined && process.stdout.isTTY && !values.json ? "\u001b[H\u001b[2J" : "";
        process.stdout.write(
            `${clear}${values.json ? JSON.stringify(status, undefined, seconds === undefined ? 2 : 0) : tableOf(status, process.stdout.columns)}\n`,
        );
        if (seconds === undefined) return status.problems.length === 0 ? 0 : 1;
        await new Promise((wake) => setTimeout(wake, seconds * 1000));
    }
}

run(process.argv.slice(2)).then(
    (status) => (process.exitCode = status),
    (error: unknown) => {
        const isUsage = error instanceof UsageError || (error instanceof TypeError && "code" in error);
        process.stderr.write(
            isUsage ? `${error.message}\n\n${usage}` : `error: ${(error as Error).message.replace(homedir(), "~")}\n`,
        );
        process.exitCode = isUsage ? 2 : 3;
    },
);
