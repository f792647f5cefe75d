/**
 * The site tools, without an engine: `check`, `plan`, `picture`, `generate`. Exit status 0: all is well; 1: the stack file
 * has faults, or a generated file is stale; 2: wrong usage.
 */
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { formatIssues, planSite, planSiteWork, type Issue, type PlanResult } from ".";
import { referenceText } from "./generate/reference";
import { stackSchemaText } from "./generate/stackSchema";
import { loadStack, type LoadedStack } from "./load";
import { pictureOf, withPicture } from "./picture";
import { summaryOf } from "./summary";

const usage = `usage: site check    -s STACK [--json]   every fault of a stack file
       site plan     -s STACK [--json]   what it comes to, host by host
       site picture  -s STACK            the same as a Mermaid picture
       site generate [--check]           the JSON Schema, the reference, the README's picture; --check only compares

STACK is a name (Pulumi.NAME.yaml here or in lab/) or a file.
`;

class UsageError extends Error {}

/** The bundle is bin/site.js: the checkout is one up, wherever it is called from. */
const root = resolve(__dirname, "..");

function stackFile(stack: string): string {
    const candidates = [join(root, `Pulumi.${stack}.yaml`), join(root, "lab", `Pulumi.${stack}.yaml`), resolve(stack)];
    const found = candidates.find((path) => statSync(path, { throwIfNoEntry: false })?.isFile());
    if (found === undefined)
        throw new UsageError(`there is no stack file for "${stack}": looked for ${candidates.join(", ")}`);
    return found;
}

function print(text: string): void {
    process.stdout.write(text.endsWith("\n") ? text : `${text}\n`);
}

function complain(file: string, stack: LoadedStack, issues: readonly Issue[], json: boolean): void {
    if (json)
        print(
            JSON.stringify(
                { file, issues: issues.map((item) => ({ ...item, line: stack.lineOf(item.path) })) },
                undefined,
                2,
            ),
        );
    else
        for (const item of issues) {
            const line = stack.lineOf(item.path);
            print(`${file}${line === undefined ? "" : `:${line}`}\n${formatIssues([item])}`);
        }
}

function planOf(file: string, json: boolean): Extract<PlanResult, { plan: unknown }>["plan"] | undefined {
    const stack = loadStack(file);
    const result = stack.issues.length > 0 ? { issues: stack.issues } : planSite(stack.config);
    if ("issues" in result) {
        complain(file, stack, result.issues, json);
        return undefined;
    }
    const { plan, site } = result;
    const work = planSiteWork(site, plan, root, stack.values);
    if ("work" in work) return { ...plan, warnings: [...plan.warnings, ...work.work.warnings] };
    complain(file, stack, work.issues, json);
    return undefined;
}

/** @throws {Error} when the file has faults: the lab's own never has */
function picture(file: string): string {
    const plan = planOf(file, false);
    if (plan === undefined) throw new Error(`${file} has faults`);
    return pictureOf(plan);
}

function generate(onlyCheck: boolean): number {
    const readme = readFileSync(join(root, "README.md"), "utf8");
    const wanted = {
        "schema/site.schema.json": stackSchemaText(),
        "docs/reference.md": referenceText(),
        "README.md": withPicture(readme, picture(join(root, "lab", "Pulumi.lab.yaml"))),
    };
    let stale = 0;
    for (const [name, text] of Object.entries(wanted)) {
        const path = join(root, name);
        if (existsSync(path) && readFileSync(path, "utf8") === text) continue;
        stale++;
        if (onlyCheck) process.stderr.write(`${name} is not what it is made from says: run \`npm run generated\`\n`);
        else {
            mkdirSync(dirname(path), { recursive: true });
            writeFileSync(path, text);
            print(`wrote ${name}`);
        }
    }
    return onlyCheck && stale > 0 ? 1 : 0;
}

function run(argv: readonly string[]): number {
    const { values, positionals } = parseArgs({
        args: [...argv],
        allowPositionals: true,
        options: {
            stack: { type: "string", short: "s" },
            json: { type: "boolean", default: false },
            check: { type: "boolean", default: false },
            help: { type: "boolean", short: "h", default: false },
        },
    });
    const [verb, ...rest] = positionals;
    if (values.help) {
        print(usage);
        return 0;
    }
    if (verb === undefined || rest.length > 0) throw new UsageError("give one of check, plan, picture, generate");
    if (verb === "generate") return generate(values.check);
    if (!["check", "plan", "picture"].includes(verb))
        throw new UsageError(`"${verb}" is none of check, plan, picture, generate`);
    if (values.stack === undefined) throw new UsageError("say which stack: -s NAME");
    const file = stackFile(values.stack);
    const plan = planOf(file, values.json);
    if (plan === undefined) return 1;
    if (verb === "picture") print(pictureOf(plan));
    else if (verb === "plan") print(values.json ? JSON.stringify(plan, undefined, 2) : summaryOf(plan));
    else if (values.json) print(JSON.stringify({ file, issues: [], warnings: plan.warnings }, undefined, 2));
    else {
        if (plan.warnings.length > 0) print(formatIssues(plan.warnings, "warning"));
        print(
            `${file}: no fault${plan.warnings.length > 0 ? `, ${plan.warnings.length} warning${plan.warnings.length > 1 ? "s" : ""}` : ""}`,
        );
    }
    return 0;
}

try {
    process.exitCode = run(process.argv.slice(2));
} catch (error) {
    const wrongUsage = error instanceof UsageError || (error instanceof TypeError && "code" in error);
    process.stderr.write(wrongUsage ? `${error.message}\n\n${usage}` : `${String(error)}\n`);
    process.exitCode = wrongUsage ? 2 : 1;
}
