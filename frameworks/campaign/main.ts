/**
 * mesos-campaign: runs a Monte Carlo production or a release validation on Work Queue, and shows how it goes.
 *
 *     mesos-campaign /etc/mesos-campaign/NAME.json
 *     mesos-campaign --check /etc/mesos-campaign/NAME.json
 */
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { z } from "zod";
import { campaignSchema, workFaults } from "./declaration";
import { metricsOf, pageOf, type Status } from "./report";
import { CampaignRun } from "./run";

declare const PULUMI_MESOS_VERSION: string | undefined;
const VERSION = typeof PULUMI_MESOS_VERSION === "undefined" ? "unbuilt" : PULUMI_MESOS_VERSION;

const log = (line: string): void => void process.stdout.write(`${line}\n`);

function end(status: number, message: string): never {
    process.stderr.write(`${message}\n`);
    process.exit(status);
}

export function answer(path: string, status: () => Status): readonly [status: number, type: string, body: string] {
    switch (path) {
        case "/":
            return [200, "text/html; charset=utf-8", pageOf(status())];
        case "/status.json":
            return [200, "application/json", `${JSON.stringify(status(), undefined, 2)}\n`];
        case "/metrics":
            return [200, "text/plain; version=0.0.4; charset=utf-8", metricsOf(status())];
        case "/health":
            return [200, "text/plain", `${status().state}\n`];
        default:
            return [404, "text/plain", "there are /, /status.json, /metrics and /health\n"];
    }
}

async function main(argv: readonly string[]): Promise<void> {
    const onlyCheck = argv[0] === "--check";
    const file = argv[onlyCheck ? 1 : 0];
    if (file === undefined) {
        end(2, "usage: mesos-campaign [--check] FILE");
    }
    const parsed = campaignSchema.safeParse(JSON.parse(readFileSync(file, "utf8")));
    if (!parsed.success) {
        end(2, `${file}:\n${z.prettifyError(parsed.error)}`);
    }
    const campaign = parsed.data;
    const faults = workFaults(campaign.work);
    if (faults.length > 0) {
        end(2, faults.map(({ path, message }) => `${file}: ${path}: ${message}`).join("\n"));
    }
    if (onlyCheck) {
        log("the declaration has no fault");
        return;
    }
    const run = new CampaignRun({ campaign, version: VERSION, log });
    const server = createServer((request, response) => {
        request.resume();
        const [status, type, body] = answer((request.url ?? "/").split("?")[0] ?? "/", () => run.status());
        response.writeHead(status, { "Content-Type": type, "Content-Length": Buffer.byteLength(body) });
        response.end(body);
    });
    await new Promise<void>((resolve, reject) => server.once("error", reject).listen(campaign.statusPort, resolve));
    const leave = (signal: string): void => {
        log(`${signal}: what is done stays`);
        void run.stop().then(() => process.exit(0));
    };
    process.on("SIGTERM", leave).on("SIGINT", leave);
    // At its end it stays, with its page: whether the unit runs tells nothing of the campaign, /health does.
    await run.run();
}

if (require.main === module) {
    main(process.argv.slice(2)).catch((error: unknown) => end(1, (error as Error).message));
}
