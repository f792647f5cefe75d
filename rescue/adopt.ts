/**
 * After Pulumi's state is lost: the site runs, but nobody knows its secrets. They are read back from the hosts' own files, by the
 * texts that the plan would write there, and given to a new stack. Its first `pulumi up` then finds everything as planned.
 */
import { servicesOf } from "../site/plan/services";
import type { HostSpec, SitePlan } from "../site/plan/types";
import type { Engine } from "./engine";
import { readFiles } from "./hosts";

import { BackupError } from "./manifest";
import type { RescueSite } from "./site";
import type { Steps } from "./steps";

const mark = /@@secret:([a-z0-9][a-z0-9-]*)@@/g;
/** Text around a mark that must be on the host too. The rest of the file may have changed since. */
const BEFORE = 48;
const AFTER = 4;

const quoted = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** Values of the secrets in a file, by name: what stands on the host where the planned text has a mark. Pure. */
export function secretsOf(planned: string, live: string): Map<string, string> {
    const found = new Map<string, string>();
    // A file that is nothing but a secret: a key of several lines.
    const alone = /^@@secret:([a-z0-9][a-z0-9-]*)@@\s*$/.exec(planned)?.[1];
    if (alone !== undefined) return live.trim() === "" ? found : found.set(alone, live.trimEnd());
    let end = 0;
    for (const match of planned.matchAll(mark)) {
        const [whole, name = ""] = match;
        const before = planned.slice(Math.max(end, match.index - BEFORE), match.index);
        end = match.index + whole.length;
        const after = planned.slice(end, end + AFTER);
        const start = before === "" ? "^" : quoted(before);
        const stop = after === "" ? "\\s*$" : quoted(after.replace(/@@.*$/s, ""));
        const value = new RegExp(`${start}([^\\s"'@]+)${stop}`).exec(live)?.[1];
        if (value !== undefined) found.set(name, value);
    }
    return found;
}

/** Every service of the plan that has secrets in its files. */
function servicesWithSecrets(plan: SitePlan): HostSpec[] {
    return servicesOf(plan).filter(({ files }) => Object.values(files).some(({ secrets }) => secrets.length > 0));
}

export async function adopt(site: RescueSite, engine: Engine, steps: Steps): Promise<void> {
    const { plan, stack } = site;
    if ((await engine.state()) !== undefined) {
        throw new BackupError(`the stack ${stack} has a state: there is nothing to adopt, pulumi up goes on from it`);
    }
    const values = new Map<string, Map<string, string>>();
    const away: string[] = [];
    await steps.step("secrets read from the hosts", async () => {
        await Promise.all(
            servicesWithSecrets(plan).map(async ({ host, connection, files }) => {
                const secret = Object.entries(files).filter(([, { secrets }]) => secrets.length > 0);
                const live = await readFiles(
                    host,
                    connection,
                    secret.map(([path]) => path),
                ).catch((error: unknown) => {
                    away.push((error as Error).message.split("\n")[0] ?? "");
                    const nothing: Readonly<Record<string, string>> = {};
                    return nothing;
                });
                for (const [path, { content }] of secret) {
                    for (const [name, value] of secretsOf(content, live[path] ?? "")) {
                        values.set(name, (values.get(name) ?? new Map<string, string>()).set(value, `${host}:${path}`));
                    }
                }
            }),
        );
    });
    const faults = plan.secrets.flatMap(({ name }) => {
        const found = values.get(name);
        if (found === undefined) return [`${name}: on no host`];
        return found.size > 1 ? [`${name}: ${[...found.values()].join(" and ")} differ`] : [];
    });
    if (faults.length > 0) {
        throw new BackupError(
            `nothing was changed: not all secrets can be read back\n  ${[...faults, ...away].join("\n  ")}\n  fix: bring those hosts back, or give the value yourself: pulumi config set --secret NAME`,
        );
    }
    await steps.step(
        "given to the new stack, encrypted",
        async () => {
            await engine.select();
            for (const { name } of plan.secrets) {
                const [value = ""] = values.get(name)?.keys() ?? [];
                await engine.setSecret(name, value);
            }
        },
        () => `${plan.secrets.length} secrets in ${site.file}`,
    );
    steps.say(`next: npm run -s pulumi -- preview -s ${stack} --diff, then up: what runs as planned is left alone`);
}
