/** `npm run build-now`: one declared build at once. Exit status 0: published; 1: not; 2: wrong usage; 3: it could not be run. */
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import type { Endpoint } from "../provider/clients/http";
import { MetronomeClient } from "../provider/clients/metronome";
import { stackOutput } from "../report/outputs";
import { formatIssues, planSite } from "../site";
import { loadStack } from "../site/load";
import { trusting } from "../site/plan/certificates";
import { planBuilds } from "../site/plan/builds";
import type { SitePlan } from "../site/plan/types";
import { serverOf } from "../site/plan/work";
import type { SiteConfig } from "../site/schema";
import { BadChoice, chosen, type Options } from "./chosen";
import { resultText } from "./follow";
import { buildNow } from "./now";

const usage = `usage: npm run -s build-now -- -s STACK RELEASE[.BUILDER] [options]

  -s, --stack NAME      the stack
      --ref REF         another branch, tag or commit of the recipes
      --defaults NAME   other defaults of aliBuild
      --package NAME    other packages than declared; may be given again
      --env NAME=VALUE  more environment of build and QA; may be given again
      --no-wait         returns when it is started
  -C, --cwd DIR         where Pulumi.yaml is

With other options than declared the build is called RELEASE.now.BUILDER: it publishes packages, and is not the release's latest.
Ctrl-C stops the run. METRONOME_PASSWORD is for a Metronome that asks for one.
`;

class UsageError extends Error {}

const root = resolve(__dirname, "..");

function environmentOf(given: readonly string[]): Record<string, string> {
    return Object.fromEntries(
        given.map((one) => {
            const at = one.indexOf("=");
            if (at < 1) throw new UsageError(`--env is "${one}": NAME=VALUE is wanted`);
            return [one.slice(0, at), one.slice(at + 1)];
        }),
    );
}

function siteOf(stack: string, cwd: string): { plan: SitePlan; site: SiteConfig } {
    const file = join(cwd, `Pulumi.${stack.split("/").at(-1) ?? stack}.yaml`);
    if (!existsSync(file)) throw new UsageError(`there is no stack file ${file}`);
    const loaded = loadStack(file);
    const planned = loaded.issues.length > 0 ? { issues: loaded.issues } : planSite(loaded.config);
    if ("issues" in planned) throw new Error(`${file} has faults\n${formatIssues(planned.issues)}`);
    const { plan, site } = planned;
    const isSigned = site.metronome?.tls?.issuer === "site";
    return { site, plan: isSigned ? trusting(plan, String(stackOutput(stack, cwd, "authorities"))) : plan };
}

function endpointOf(site: SiteConfig, plan: SitePlan): Endpoint {
    const { urls, ca, user } = serverOf("metronome", site, plan);
    const password = process.env["METRONOME_PASSWORD"];
    return {
        urls,
        ...(ca === undefined ? {} : { ca }),
        ...(user === undefined || password === undefined ? {} : { username: user, password }),
    };
}

async function run(argv: readonly string[]): Promise<number> {
    const { values, positionals } = parseArgs({
        args: [...argv],
        allowPositionals: true,
        options: {
            stack: { type: "string", short: "s" },
            ref: { type: "string" },
            defaults: { type: "string" },
            package: { type: "string", multiple: true },
            env: { type: "string", multiple: true },
            "no-wait": { type: "boolean", default: false },
            cwd: { type: "string", short: "C" },
            help: { type: "boolean", short: "h", default: false },
        },
    });
    if (values.help) {
        process.stdout.write(usage);
        return 0;
    }
    const [name, ...more] = positionals;
    if (values.stack === undefined) throw new UsageError("say which stack: -s NAME");
    if (name === undefined || more.length > 0) throw new UsageError("say which release, and one at a time");
    const { plan, site } = siteOf(values.stack, resolve(values.cwd ?? root));
    const options: Options = {
        ref: values.ref,
        defaults: values.defaults,
        packages: values.package,
        environment: values.env && environmentOf(values.env),
    };
    const which = chosen(site, plan, name, options);
    const page = planBuilds(site, plan)?.url ?? "";
    const stop = new AbortController();
    process.on("SIGINT", () => stop.abort()).on("SIGTERM", () => stop.abort());
    const log = (line: string): void => void process.stderr.write(`${line}\n`);
    const record = await buildNow({
        ...{ metronome: new MetronomeClient(endpointOf(site, plan)), page, chosen: which, log },
        ...{ wait: !values["no-wait"], signal: stop.signal },
    });
    if (record === undefined) {
        process.stdout.write(`${page}\n`);
        return 0;
    }
    process.stdout.write(`${resultText(record, page)}\n`);
    return record.state === "published" ? 0 : 1;
}

run(process.argv.slice(2)).then(
    (status) => (process.exitCode = status),
    (error: unknown) => {
        const isUsage = error instanceof UsageError || (error instanceof TypeError && "code" in error);
        const message = (error as Error).message.replace(homedir(), "~");
        process.stderr.write(isUsage ? `${message}\n\n${usage}` : `error: ${message}\n`);
        process.exitCode = isUsage || error instanceof BadChoice ? 2 : 3;
    },
);
