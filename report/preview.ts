/** Runs previews and brings their events. */
import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseEvents, plainText } from "./events";
import { type Preview, readPreview } from "./steps";

export interface PreviewOptions {
    readonly stack: string;
    readonly look: "yes" | "no" | "try";
    readonly policyPacks: readonly string[];
    readonly savePlan?: string;
    /** Where the event log is kept: without secrets, but the site's configuration is in it. */
    readonly saveEvents?: string;
    readonly cwd?: string;
}

/** The bundle is bin/report.js: the checkout is one up. */
const root = resolve(__dirname, "..");

/** A preview from its event log. @throws {Error} when it cannot be read */
export function recorded(file: string): Preview {
    return readPreview(parseEvents(readFileSync(file === "-" ? 0 : file, "utf8")));
}

/** The engine's debug lines have the answers of providers in them, secrets in plain: they are never kept. */
function keepEvents(file: string, events: string): void {
    const kept = parseEvents(events).filter(({ diagnosticEvent }) => diagnosticEvent?.severity !== "debug");
    writeFileSync(file, kept.map((event) => `${JSON.stringify(event)}\n`).join(""), { mode: 0o600 });
}

/** A preview that ended badly without an event that says so: a policy pack that does not start, a crash. */
function ended(preview: Preview, status: number | null, said: string): Preview {
    if (status === 0 || preview.errors.length > 0 || preview.violations.length > 0) return preview;
    const errors = said.split("\n").filter((line) => line.startsWith("error: "));
    const message = errors.join("\n") || `pulumi preview ended with status ${status ?? "none"}`;
    return { ...preview, failed: true, errors: [{ severity: "error", message: plainText(message) }] };
}

function once(options: PreviewOptions, look: boolean, log: string): Promise<Preview> {
    const { stack, policyPacks, savePlan, cwd } = options;
    const args = [
        join(root, "toolchain", "pulumi.mjs"),
        ...(cwd === undefined ? [] : ["-C", resolve(cwd)]),
        ...[
            "preview",
            "--stack",
            stack,
            "--non-interactive",
            "--suppress-progress",
            "--suppress-outputs",
            "--color",
            "never",
        ],
        ...["--event-log", log],
        ...(look ? ["--refresh"] : []),
        ...policyPacks.flatMap((pack) => ["--policy-pack", resolve(pack)]),
        ...(savePlan === undefined ? [] : ["--save-plan", resolve(savePlan)]),
    ];
    const env = {
        ...process.env,
        // The event log is an option for developers of the engine.
        PULUMI_DEBUG_COMMANDS: "true",
        ...(options.look === "try" ? { PULUMI_MESOS_UNREACHABLE: "keep" } : {}),
    };
    // What the engine says goes to standard error: standard output is the report's.
    const child = spawn(process.execPath, args, { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    const keep = (text: string): void => void (said = (said + text).slice(-20_000));
    child.stdout.setEncoding("utf8").on("data", keep);
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
        keep(text);
        process.stderr.write(text);
    });
    return new Promise((done, fail) => {
        child.on("error", fail);
        child.on("close", (status) => {
            // It is encrypted where it is secret, and the site's configuration all the same.
            if (savePlan !== undefined && existsSync(savePlan)) chmodSync(savePlan, 0o600);
            // A refused preview has events too: they say why.
            const events = existsSync(log) ? readFileSync(log, "utf8") : "";
            if (options.saveEvents !== undefined) keepEvents(options.saveEvents, events);
            if (events.trim() === "")
                fail(
                    new Error(
                        `the preview of ${stack} did not begin (exit status ${status ?? "none"})\n${said.trim()}`,
                    ),
                );
            else done(ended(readPreview(parseEvents(events)), status, said));
        });
    });
}

/**
 * Previews a stack; touches nothing.
 *
 * @throws {Error} when the preview did not begin: no such stack, wrong passphrase, locked
 */
export async function preview(options: PreviewOptions): Promise<Preview> {
    // The engine masks secrets, but not in its debug lines: for the user alone, and gone at the end.
    const dir = mkdtempSync(join(tmpdir(), "pulumi-mesos-report-"));
    try {
        const first = await once(options, options.look !== "no", join(dir, "first.json"));
        // Parts of OpenStack that cannot be looked at stop a refresh before the program runs; the changes are still to be had.
        const { failed, steps, looks, errors } = first;
        if (options.look !== "try" || !failed || looks === undefined || steps.length > 0) return first;
        process.stderr.write("looking at hosts and APIs failed; previewed again without\n");
        const second = await once(options, false, join(dir, "second.json"));
        return { ...second, looks, lookErrors: errors.map(({ message }) => message) };
    } finally {
        rmSync(dir, { recursive: true, force: true });
    }
}
