/**
 * A folder for what must not be seen: only root may enter it, and it lies in memory where the system has such a place.
 *
 * Its name holds the process id, so that a later run can clear away what a killed one left behind.
 */
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const PREFIX = "pulumi-mesos-plugin-";

function alive(pid: number): boolean {
    try {
        process.kill(pid, 0);
        return true;
    } catch (error) {
        return (error as NodeJS.ErrnoException).code === "EPERM";
    }
}

function parent(): string {
    const candidates = [process.env["XDG_RUNTIME_DIR"], "/dev/shm"];
    return (
        candidates.find((dir) => dir !== undefined && statSync(dir, { throwIfNoEntry: false })?.isDirectory()) ??
        tmpdir()
    );
}

/** Removes the folders of processes that have ended. */
export function clearAbandoned(): void {
    for (const name of readdirSync(parent())) {
        const pid = name.startsWith(PREFIX) ? Number(name.slice(PREFIX.length).split("-")[0]) : NaN;
        if (!Number.isNaN(pid) && !alive(pid)) {
            rmSync(join(parent(), name), { recursive: true, force: true });
        }
    }
}

let own: string | undefined;

/** This process's folder, mode 0700; removed when the process ends in order. */
export function scratch(): string {
    if (own === undefined) {
        clearAbandoned();
        own = mkdtempSync(join(parent(), `${PREFIX}${process.pid}-`));
        process.on("exit", () => rmSync(own ?? "", { recursive: true, force: true }));
    }
    return own;
}
