/** What Mesos and Marathon are told beside apps and jobs: quotas, weights, groups. */
import { formatPath } from "../issue";
import { isRole } from "./frameworks";
import type { Checked, Report } from "./report";

function checkRole(role: string, path: string, report: Report): void {
    if (role === "*")
        report.fault("ROLE_EVERYBODY", path, "the role * is everybody's: it has neither quota nor weight of its own", {
            value: role,
        });
    else if (!isRole(role))
        report.fault("ROLE_NAME", path, "is no legal role", {
            value: role,
            allowed: 'names joined by "/", without spaces',
        });
}

/** Checks `quotas`, `weights` and `marathon.groups`. */
export function checkWork({ site }: Checked, report: Report): void {
    for (const [role, { limits, guarantees }] of Object.entries(site.quotas)) {
        const path = formatPath(["quotas", role]);
        checkRole(role, path, report);
        for (const [resource, amount] of Object.entries(guarantees)) {
            const limit = limits[resource as keyof typeof limits];
            if (typeof amount === "number" && limit !== undefined && amount > limit)
                report.fault("QUOTA_ABOVE_LIMIT", `${path}.guarantees.${resource}`, "is more than the limit", {
                    value: amount,
                    allowed: `0..${limit}`,
                });
        }
    }
    for (const role of Object.keys(site.weights)) checkRole(role, formatPath(["weights", role]), report);
    for (const [group, { enforceRole }] of Object.entries(site.marathon?.groups ?? {}))
        if (enforceRole === true && group.split("/").length > 2)
            report.fault(
                "GROUP_ENFORCES",
                `${formatPath(["marathon", "groups", group])}.enforceRole`,
                "only a top-level group can enforce its role",
                { value: true, fix: `say it of /${group.split("/")[1] ?? ""}` },
            );
}
