/** The state of a site as a table for a terminal. */
import { gib, type Load, type SiteStatus } from "./model";

const load = ({ cpus, memMiB }: Load): string =>
    `${cpus.used}/${cpus.total} CPUs, ${gib(memMiB.used)}/${gib(memMiB.total)} GiB`;

/** @param columns width of the terminal; longer lines are cut */
export function tableOf(status: SiteStatus, columns = 160): string {
    const rows = [["ZONE", "HOST", "ADDRESS", "WHAT", "STATE", "MORE"]];
    for (const { name: zone, hosts } of status.zones)
        for (const { name, address, services } of hosts)
            for (const { what, pool, state, version, load: has, trouble } of services) {
                const isWell = state !== "down" && state !== "inactive";
                const more =
                    trouble ??
                    [version, has === undefined ? undefined : load(has)]
                        .filter((text) => text !== undefined)
                        .join("  ");
                rows.push([
                    zone,
                    name,
                    address,
                    pool === undefined ? what : `${what} (${pool})`,
                    isWell ? state : state.toUpperCase(),
                    more,
                ]);
            }
    const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
    const lines = rows.map((row) =>
        row
            .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
            .join("  ")
            .trimEnd(),
    );
    const { tasks, frameworks, expiries, backups, drift, problems } = status;
    return [
        `${status.cluster} (stack ${status.stack}) at ${status.at}`,
        "",
        ...lines,
        "",
        `load: ${load(status.load)}${tasks === undefined ? "" : `; ${tasks.running} tasks run, ${tasks.staging} are staging`}${frameworks === undefined ? "" : `; ${frameworks} frameworks`}`,
        ...expiries.map(
            ({ what, until, daysLeft, trouble }) =>
                `expiry: ${what}: ${trouble ?? `${until?.slice(0, 10) ?? "?"} (${daysLeft ?? "?"} days)`}`,
        ),
        ...backups.map(
            ({ part, at, ageHours, trouble }) =>
                `backup: ${part}: ${trouble ?? `${ageHours ?? "?"} h old (${at ?? "?"})`}`,
        ),
        `drift: ${drift === undefined ? "not looked for (--drift)" : drift.length === 0 ? "none" : drift.length}`,
        ...(problems.length === 0 ? ["healthy"] : problems.map((problem) => `problem: ${problem}`)),
    ]
        .map((line) => (line.length > columns ? `${line.slice(0, columns - 1)}…` : line))
        .join("\n");
}
