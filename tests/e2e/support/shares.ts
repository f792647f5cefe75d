/** Who uses how much of the cluster, over time. */
import { ask, leadingMaster, operatorAuth } from "./endpoints";
import { QUORUM } from "./hosts";
import { pause } from "./steps";

export interface Sample {
    /** Seconds since the first one. */
    readonly sec: number;
    /** Processors in use, by role. */
    readonly cpus: Readonly<Record<string, number>>;
}

interface Roles {
    readonly roles: readonly { readonly name: string; readonly allocated: { readonly cpus?: number } }[];
}

async function look(auth: string): Promise<Record<string, number>> {
    const leader = (await leadingMaster()) ?? QUORUM[0];
    const { body } = await ask(leader, 5050, "/roles", { auth });
    const { roles } = JSON.parse(body) as Roles;
    const used = roles.map(({ name, allocated: { cpus = 0 } }) => [name, Math.round(cpus * 1000) / 1000] as const);
    return Object.fromEntries(used.filter(([, cpus]) => cpus > 0));
}

/** Looks every half second while `work` is done. */
export async function sharesDuring(work: () => Promise<unknown>): Promise<Sample[]> {
    const auth = await operatorAuth();
    const samples: Sample[] = [];
    const began = Date.now();
    const stop = new AbortController();
    const done = (async () => {
        while (!stop.signal.aborted) {
            const sec = (Date.now() - began) / 1000;
            samples.push({ sec, cpus: await look(auth) });
            await pause(500);
        }
    })();
    try {
        await work();
    } finally {
        stop.abort();
        await done;
    }
    return samples;
}

const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP] = [720, 260, 50, 30, 16];
const COLOURS = ["#1f6fb4", "#d9730d", "#2e8b57"];

/**
 * The samples as a picture.
 *
 * @param total processors of the cluster
 * @param lines what was configured, drawn dashed, by what it is called
 */
export function plot(samples: readonly Sample[], total: number, lines: Readonly<Record<string, number>>): string {
    const span = samples[samples.length - 1]?.sec ?? 1;
    const x = (sec: number): string => (LEFT + ((WIDTH - LEFT - 10) * sec) / span).toFixed(1);
    const y = (cpus: number): string => (HEIGHT - BOTTOM - ((HEIGHT - BOTTOM - TOP) * cpus) / total).toFixed(1);
    const roles = [...new Set(samples.flatMap(({ cpus }) => Object.keys(cpus)))].sort();
    const paths = roles.map((role, index) => {
        const colour = COLOURS[index % COLOURS.length] ?? "black";
        const steps = samples.map(({ sec, cpus }) => `H${x(sec)}V${y(cpus[role] ?? 0)}`).join("");
        return `<path d="M${x(0)} ${y(0)}${steps}" fill="none" stroke="${colour}" stroke-width="1.5"/>
<text x="${LEFT + 10}" y="${TOP + 14 * (index + 1)}" fill="${colour}">${role}</text>`;
    });
    const dashed = Object.entries(lines).map(
        ([name, cpus]) => `<path d="M${LEFT} ${y(cpus)}H${WIDTH - 10}" stroke="#555" stroke-dasharray="4"/>
<text x="${WIDTH - 12}" y="${y(cpus + 0.03)}" text-anchor="end">${name}</text>`,
    );
    return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="11">
<path d="M${LEFT} ${TOP}V${HEIGHT - BOTTOM}H${WIDTH - 10}" fill="none" stroke="#555"/>
<text x="${LEFT - 6}" y="${TOP + 4}" text-anchor="end">${total} cpus</text><text x="${LEFT - 6}" y="${HEIGHT - BOTTOM}" text-anchor="end">0</text>
<text x="${LEFT}" y="${HEIGHT - 10}">0 s</text><text x="${WIDTH - 10}" y="${HEIGHT - 10}" text-anchor="end">${span.toFixed(0)} s</text>
${[...dashed, ...paths].join("\n")}
</svg>
`;
}
