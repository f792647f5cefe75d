/** The state of a site as one HTML page that needs nothing else: no script, no font, no picture from anywhere. */
import { gib, type HostStatus, type Load, type ServiceStatus, type SiteStatus } from "./model";

export const escaped = (text: string): string =>
    text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");

const style = `
:root { color-scheme: light dark; --ok: #1a7f37; --lead: #0550ae; --bad: #cf222e; --rest: #9a6700; --line: #8884; --soft: #8881; }
@media (prefers-color-scheme: dark) { :root { --ok: #3fb950; --lead: #58a6ff; --bad: #f85149; --rest: #d29922; } }
body { font: 15px/1.45 system-ui, sans-serif; margin: 1.5rem auto; max-width: 90rem; padding: 0 1rem; }
h1 { margin: 0; font-size: 1.5rem; } h2 { font-size: 1.05rem; margin: 1.6rem 0 .5rem; }
.time { color: GrayText; margin: .2rem 0 1rem; }
.verdict { border-left: .4rem solid var(--ok); background: var(--soft); padding: .6rem .9rem; margin: 0; }
.verdict.bad { border-color: var(--bad); } .verdict ul { margin: .3rem 0 0; padding-left: 1.2rem; }
.zones { display: grid; grid-template-columns: repeat(auto-fit, minmax(17rem, 1fr)); gap: 1rem; }
.zone { border: 1px solid var(--line); border-radius: .6rem; padding: .7rem; }
.zone h3 { margin: 0 0 .5rem; font-size: .95rem; }
.host { border-top: 1px solid var(--line); padding: .45rem 0; } .host b { margin-right: .4rem; }
.host small { color: GrayText; }
.services { list-style: none; margin: .25rem 0 0; padding: 0; }
.services li { display: flex; gap: .5rem; align-items: baseline; flex-wrap: wrap; }
.dot { flex: none; width: .65rem; height: .65rem; border-radius: 50%; background: var(--ok); }
.leader .dot { background: var(--lead); } .down .dot, .inactive .dot { background: var(--bad); border-radius: 0; }
.drained .dot, .unknown .dot { background: var(--rest); }
.trouble { color: var(--bad); flex-basis: 100%; }
meter { width: 5rem; height: .8rem; } table { border-collapse: collapse; }
th, td { text-align: left; padding: .2rem 1.2rem .2rem 0; }
`;

function meter(name: string, used: number, total: number, shown: string): string {
    return `<meter min="0" max="${total || 1}" value="${Math.min(used, total)}" title="${escaped(`${name}: ${shown}`)}">${escaped(shown)}</meter>`;
}

function loadBars({ cpus, memMiB }: Load): string {
    const memory = `${gib(memMiB.used)} of ${gib(memMiB.total)} GiB`;
    return `${meter("CPUs", cpus.used, cpus.total, `${cpus.used} of ${cpus.total} CPUs`)} ${meter("memory", memMiB.used, memMiB.total, memory)}`;
}

function serviceItem({ what, pool, state, version, load, trouble }: ServiceStatus): string {
    const name = pool === undefined ? what : `${what} (${pool})`;
    return `<li class="${state}"><span class="dot"></span><span>${escaped(name)}: ${state}${version === undefined ? "" : ` <small>${escaped(version)}</small>`}</span>${
        load === undefined ? "" : `<span>${loadBars(load)}</span>`
    }${trouble === undefined ? "" : `<span class="trouble">${escaped(trouble)}</span>`}</li>`;
}

function hostCard({ name, address, protect, services }: HostStatus): string {
    return `<div class="host"><b>${escaped(name)}</b><small>${escaped(address)}${protect ? ", protected" : ""}</small>
<ul class="services">${services.map(serviceItem).join("\n")}</ul></div>`;
}

/** @param refreshSec the page asks for itself again, for `--watch`. @default - it does not */
export function pageOf(status: SiteStatus, refreshSec?: number): string {
    const { cluster, stack, at, zones, load, tasks, frameworks, expiries, backups, drift, problems } = status;
    const list = problems.map((problem) => `<li>${escaped(problem)}</li>`).join("\n");
    const rows = expiries.map(({ what, until, daysLeft, trouble }) => {
        const when = trouble ?? `${until?.slice(0, 10) ?? "?"}, in ${daysLeft ?? "?"} days`;
        return `<tr><td>${escaped(what)}</td><td>${escaped(when)}</td></tr>`;
    });
    const kept = backups.map(({ part, at, ageHours, trouble }) => {
        const when = trouble ?? `${ageHours ?? "?"} h old, of ${at ?? "?"}`;
        return `<tr><td>${escaped(part)}</td><td>${escaped(when)}</td></tr>`;
    });
    const found = (drift ?? []).map((line) => `<li>${escaped(line)}</li>`).join("\n");
    return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">${refreshSec === undefined ? "" : `\n<meta http-equiv="refresh" content="${refreshSec}">`}
<title>${escaped(`${cluster}: ${problems.length === 0 ? "healthy" : `${problems.length} problem${problems.length === 1 ? "" : "s"}`}`)}</title>
<style>${style}</style>
</head>
<body>
<header>
<h1>${escaped(cluster)}</h1>
<p class="time">stack ${escaped(stack)}, looked at <time datetime="${escaped(at)}">${escaped(at)}</time></p>
</header>
<main>
<section class="verdict${problems.length === 0 ? "" : " bad"}">${problems.length === 0 ? "Healthy" : `${problems.length} problem${problems.length === 1 ? "" : "s"}<ul>${list}</ul>`}</section>
<h2>Load</h2>
<p>${loadBars(load)} ${load.cpus.used} of ${load.cpus.total} CPUs, ${gib(load.memMiB.used)} of ${gib(load.memMiB.total)} GiB${
        tasks === undefined ? "" : `; ${tasks.running} tasks run, ${tasks.staging} are staging`
    }${frameworks === undefined ? "" : `; ${frameworks} frameworks`}</p>
<h2>Zones, hosts, roles</h2>
<div class="zones">
${zones.map(({ name, hosts }) => `<section class="zone"><h3>${escaped(name)}</h3>${hosts.map(hostCard).join("\n")}</section>`).join("\n")}
</div>
<h2>Backups</h2>
${kept.length === 0 ? "<p>The hosts make none: <code>backup.timer</code> says when.</p>" : `<table><thead><tr><th>part</th><th>last</th></tr></thead><tbody>${kept.join("\n")}</tbody></table>`}
<h2>Drift</h2>
${drift === undefined ? "<p>Not looked for: <code>--drift</code> does.</p>" : drift.length === 0 ? "<p>None.</p>" : `<ul>${found}</ul>`}
<h2>Expiries</h2>
${rows.length === 0 ? "<p>Nothing that this site uses expires.</p>" : `<table><thead><tr><th>what</th><th>until</th></tr></thead><tbody>${rows.join("\n")}</tbody></table>`}
</main>
</body>
</html>
`;
}
