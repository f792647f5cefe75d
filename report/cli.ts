/** `npm run report`: runs a preview and says what it would do. Exit status 0: fine; 1: the policy says no; 2: wrong usage; 3: no preview. */
import { parseArgs } from "node:util";
import { writeFileSync } from "node:fs";
import { dangerKinds } from "./dangers";
import { defaultMaxBytes, markdownOf } from "./markdown";
import { type Report, reportOf } from "./model";
import { ranges } from "./fold";
import { movedSince } from "./moved";
import { failures, parsePolicy, policyWords } from "./policy";
import { preview, recorded } from "./preview";
import type { Preview } from "./steps";

const usage = `usage: npm run -s report -- -s STACK [options]

  -s, --stack NAME       the stack to preview
      --look WHAT        yes: look at hosts and APIs first, for drift; no: go by what the stack remembers;
                         try (default): look, and go on without what cannot be reached
      --json FILE        the report as JSON; - is standard output
      --markdown FILE    the page; - (default) is standard output
      --max-bytes N      the longest page; default ${defaultMaxBytes}
      --fail-on LIST     exit status 1 for any of: ${policyWords.join(", ")},
                         or single dangers: ${dangerKinds.join(", ")}; default refused
      --events FILE      a recorded event log instead of a preview
      --policy-pack DIR  a policy pack to run with the preview, e.g. policy
      --save-plan FILE   keeps what was previewed, for npm run pulumi -- up --plan FILE
      --save-events FILE keeps the event log
      --reviewed FILE    an event log kept before: exit status 1 when something else would be done now, and what moved
  -C, --cwd DIR          where Pulumi.yaml is
`;

class UsageError extends Error {}

function write(file: string, text: string): void {
    if (file === "-") process.stdout.write(text);
    else writeFileSync(file, text, { mode: 0o600 });
}

async function run(argv: readonly string[]): Promise<number> {
    const { values } = parseArgs({
        args: [...argv],
        options: {
            stack: { type: "string", short: "s" },
            look: { type: "string", default: "try" },
            json: { type: "string" },
            markdown: { type: "string" },
            "max-bytes": { type: "string", default: String(defaultMaxBytes) },
            "fail-on": { type: "string", default: "refused" },
            events: { type: "string" },
            "policy-pack": { type: "string", multiple: true, default: [] },
            "save-plan": { type: "string" },
            "save-events": { type: "string" },
            reviewed: { type: "string" },
            cwd: { type: "string", short: "C" },
            help: { type: "boolean", short: "h", default: false },
        },
    });
    if (values.help) {
        process.stdout.write(usage);
        return 0;
    }
    const { look } = values;
    if (look !== "yes" && look !== "no" && look !== "try")
        throw new UsageError(`--look is "${look}": yes, no or try is allowed`);
    const maxBytes = Number(values["max-bytes"]);
    if (!Number.isInteger(maxBytes) || maxBytes < 1000)
        throw new UsageError("--max-bytes must be a whole number of at least 1000");
    const policy = parsePolicy(values["fail-on"]);
    if ("unknown" in policy) throw new UsageError(`--fail-on does not know ${policy.unknown.join(", ")}`);
    let seen: Preview;
    if (values.events !== undefined) seen = recorded(values.events);
    else {
        if (values.stack === undefined) throw new UsageError("say which stack: -s NAME");
        seen = await preview({
            stack: values.stack,
            look,
            policyPacks: values["policy-pack"],
            ...(values["save-plan"] === undefined ? {} : { savePlan: values["save-plan"] }),
            ...(values["save-events"] === undefined ? {} : { saveEvents: values["save-events"] }),
            ...(values.cwd === undefined ? {} : { cwd: values.cwd }),
        });
    }
    const report: Report = reportOf(seen);
    if (values.json !== undefined) write(values.json, `${JSON.stringify(report, undefined, 2)}\n`);
    if (values.markdown !== undefined || values.json !== "-")
        write(values.markdown ?? "-", markdownOf(report, maxBytes));
    const moved = values.reviewed === undefined ? [] : movedSince(recorded(values.reviewed), seen);
    const reasons = [
        ...failures(report, policy.words),
        ...moved.map(({ names, lines }) => `not as reviewed: ${ranges(names)}:\n    ${lines.join("\n    ")}`),
    ];
    for (const reason of reasons) process.stderr.write(`fails by policy: ${reason}\n`);
    return reasons.length > 0 ? 1 : 0;
}

run(process.argv.slice(2)).then(
    (status) => (process.exitCode = status),
    (error: unknown) => {
        const isUsage = error instanceof UsageError || (error instanceof TypeError && "code" in error);
        process.stderr.write(isUsage ? `${error.message}\n\n${usage}` : `error: ${(error as Error).message}\n`);
        process.exitCode = isUsage ? 2 : 3;
    },
);
