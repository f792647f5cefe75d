/** Frameworks' principals, roles and users. */
import { formatPath } from "../issue";
import { agentPrincipal, mesosDnsPrincipal, monitorPrincipal, operatorPrincipal } from "../plan/principals";
import type { Checked, Report } from "./report";

/** Names of roles that Mesos takes (docs/roles.md): path components, not `.` or `..`, not beginning with a dash. */
export function isRole(role: string): boolean {
    return (
        role === "*" ||
        role.split("/").every((part) => /^[^-*\s/\\][^\s/*\\]*$/.test(part) && part !== "." && part !== "..")
    );
}

/** Checks `frameworks` and `authentication`. */
export function checkFrameworks({ site }: Checked, report: Report): void {
    const reserved = [
        operatorPrincipal,
        agentPrincipal,
        ...(site.monitoring === undefined ? [] : [monitorPrincipal]),
        ...(site.discovery?.mesosDns === undefined ? [] : [mesosDnsPrincipal]),
    ];
    for (const [principal, { roles, users }] of Object.entries(site.frameworks)) {
        const path = formatPath(["frameworks", principal]);
        if (!/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(principal))
            report.fault("PRINCIPAL_NAME", path, "is no legal principal", {
                value: principal,
                allowed: "lower-case letters, digits and dashes",
            });
        if (reserved.includes(principal))
            report.fault("PRINCIPAL_RESERVED", path, "this principal is the site's own", {
                value: principal,
                allowed: `anything but ${reserved.join(", ")}`,
            });
        roles.forEach((role, index) => {
            if (!isRole(role))
                report.fault("ROLE_NAME", `${path}.roles[${index}]`, "is no legal role", {
                    value: role,
                    allowed: 'names joined by "/", without spaces, or "*"',
                });
        });
        const declared = new Set(Object.values(site.pools).flatMap((pool) => pool.users.map(({ name }) => name)));
        users.forEach((user, index) => {
            const everywhere = user === "root" || user === "nobody";
            if (!everywhere && !declared.has(user))
                report.warn(
                    "FRAMEWORK_USER",
                    `${path}.users[${index}]`,
                    "no pool makes this user: a task fails where it is missing",
                    {
                        value: user,
                        fix: "declare it under `users` of the pools",
                    },
                );
        });
    }
    const { http, frameworks, agents, executors } = site.authentication;
    for (const [name, on] of Object.entries({ http, frameworks, agents }))
        if (!on)
            report.warn(
                "AUTHENTICATION_OFF",
                `authentication.${name}`,
                "everybody who reaches the cluster may do as they like here",
                { value: false },
            );
    if (http && !executors)
        report.warn(
            "EXECUTORS_OFF",
            "authentication.executors",
            "task groups (Marathon's pods) cannot start: their executor must call its agent, which asks for a principal",
            {
                value: false,
                fix: "leave it at true",
            },
        );
}
