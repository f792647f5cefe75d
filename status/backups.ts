/** When each part of a site was last backed up by its hosts: each host notes what it has kept. */
import type { Ssh } from "../provider/clients/ssh";
import { lastBackup } from "../site/plan/backup";
import type { HostSpec } from "../site/plan/types";
import type { BackupStatus } from "./model";

const LOOK_SEC = 10;
const hourMs = 3_600_000;
const parts = ["zookeeper", "registry"] as const;

interface Note {
    readonly part: string;
    /** Seconds since 1970. */
    readonly time: number;
}

const isNote = (value: unknown): value is Note =>
    typeof value === "object" && value !== null && "part" in value && typeof (value as Note).time === "number";

/** What a host has kept last, by part; the reason where it cannot be asked. */
async function notesOf({ host, connection }: HostSpec, ssh: Ssh): Promise<Note[] | string> {
    const files = parts.map(lastBackup).join(" ");
    try {
        const text = await ssh.run(host, connection, `cat ${files} 2>/dev/null || true`, {
            step: "backups",
            stdin: "",
            timeoutSec: LOOK_SEC,
        });
        return text
            .split("\n")
            .filter(Boolean)
            .map((line) => JSON.parse(line) as unknown)
            .filter(isNote);
    } catch (error) {
        return (error as Error).message.split("\n")[0] ?? "";
    }
}

/** @param members hosts with the timer; a part is kept by whichever leads it, so the newest note of all counts */
export async function backupsOf(
    members: readonly HostSpec[],
    has: { readonly zookeeper: boolean; readonly registry: boolean },
    ssh: Ssh,
    now: Date,
): Promise<BackupStatus[]> {
    const all = await Promise.all(members.map((spec) => notesOf(spec, ssh)));
    const silent = all.filter((one): one is string => typeof one === "string");
    const notes = all.flatMap((one) => (typeof one === "string" ? [] : one));
    return parts
        .filter((part) => has[part])
        .map((part) => {
            const times = notes.filter((note) => note.part === part).map(({ time }) => time * 1000);
            if (times.length === 0) return { part, trouble: ["no host has kept one yet", ...silent].join("; ") };
            const newest = Math.max(...times);
            return {
                part,
                at: new Date(newest).toISOString(),
                ageHours: Math.round(((now.getTime() - newest) / hourMs) * 10) / 10,
            };
        });
}
