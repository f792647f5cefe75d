/** Which secrets can be made anew, and which together. */
import { nearest } from "../nearest";
import { heldByTasks, siteSecrets } from "../plan/generations";
import type { Checked, Report } from "./report";

/** Checks `secrets`. */
export function checkSecrets({ site }: Checked, report: Report): void {
    if (site.secrets === undefined) return;
    const known = siteSecrets(site);
    const generated = known.filter(({ given }) => given !== true).map(({ name }) => name);
    for (const [name, value] of Object.entries(site.secrets.generations)) {
        if (generated.includes(name)) continue;
        const path = `secrets.generations.${name}`;
        if (known.some((secret) => secret.name === name)) {
            report.fault("SECRET_GIVEN", path, "is not made here: the stack's configuration gives it", {
                value,
                fix: `pulumi config set --secret ${name}, then up`,
            });
            continue;
        }
        const near = nearest(name, generated);
        report.fault("SECRET_UNKNOWN", path, "is no generated secret of this site", {
            value,
            allowed: generated.join(", "),
            ...(near === undefined ? {} : { fix: `did you mean ${near}?` }),
        });
    }
    const held = Object.keys(site.secrets.generations).filter((name) => heldByTasks.has(name));
    if (held.length > 0)
        report.warn("SECRET_HELD", `secrets.generations`, `running tasks hold ${held.join(" and ")}`, {
            fix: "read what the preview says of it: when it is made anew, tasks are moved or end",
        });
}
