/** How a builder tells the store of its run: files by rsync, and the verdict by HTTP. Waits for a store that is away. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { command } from "../shared/command";
import type { Build } from "./declaration";
import type { News, Result, RunRecord } from "./runs";

const RETRY_MS = 2000;
/** A run that is stopped has so long: then Metronome ends it. */
const STOPPED_MS = 30_000;

export class Delivery {
    private beating: NodeJS.Timeout | undefined;
    private sending: Promise<boolean> = Promise.resolve(true);

    /**
     * @param folder what is sent: `state.json`, `result.json`, and `log/`
     * @param log a line for whoever reads the task's output
     */
    public constructor(
        private readonly build: Pick<Build, "store" | "heartbeatSec" | "patienceSec">,
        private readonly run: string,
        private readonly folder: string,
        private readonly log: (line: string) => void,
        private readonly signal?: AbortSignal,
    ) {
        mkdirSync(join(folder, "log"), { recursive: true });
    }

    /** One after the other: rsync writes each file anew. */
    private send(from: string, to: string): Promise<boolean> {
        const { rsync, user, passwordFile } = this.build.store;
        const next = this.sending.then(async () => {
            const { code, text } = await command("rsync", [
                ...["-r", "--timeout=60", "--contimeout=20", `--password-file=${passwordFile}`],
                ...[from, `rsync://${user}@${rsync}/incoming/${this.run}/${to}`],
            ]);
            if (code !== 0) this.log(`the store does not take files (${code}): ${text.trim().split("\n")[0] ?? ""}`);
            return code === 0;
        });
        this.sending = next;
        return next;
    }

    /** From now on the store knows of the run, and of what `news` says each time. */
    public begin(news: () => News): Promise<boolean> {
        const beat = (): Promise<boolean> => {
            writeFileSync(join(this.folder, "state.json"), `${JSON.stringify(news())}\n`);
            return this.send(`${this.folder}/`, "");
        };
        let idle = true;
        this.beating = setInterval(() => {
            if (!idle) return;
            idle = false;
            void beat().finally(() => (idle = true));
        }, this.build.heartbeatSec * 1000);
        return beat();
    }

    private async until<T>(what: () => Promise<T | undefined>): Promise<T | undefined> {
        const begun = Date.now();
        for (;;) {
            const found = await what();
            const patience = this.signal?.aborted === true ? STOPPED_MS : this.build.patienceSec * 1000;
            if (found !== undefined || Date.now() - begun > patience) return found;
            await sleep(RETRY_MS);
        }
    }

    /**
     * Ends the run: tarballs, logs, and last of all the result, which makes the store look at them.
     * @param tarballs folder of them, if there are any
     * @returns what the store has made of it; undefined when it could not be reached
     */
    public async end(result: Result, tarballs: string | undefined): Promise<RunRecord | undefined> {
        clearInterval(this.beating);
        const file = join(this.folder, "..", "result.json");
        writeFileSync(file, `${JSON.stringify(result)}\n`);
        const sent = await this.until(async () => {
            const all =
                (tarballs === undefined || (await this.send(`${tarballs}/`, "tars/"))) &&
                (await this.send(`${this.folder}/`, "")) &&
                (await this.send(file, "result.json"));
            return all ? true : undefined;
        });
        return sent === undefined ? undefined : this.until(() => this.verdict());
    }

    private async verdict(): Promise<RunRecord | undefined> {
        try {
            const answer = await fetch(`${this.build.store.url}/results/${this.run}/run.json`, {
                signal: AbortSignal.timeout(10_000),
            });
            if (!answer.ok) return undefined;
            const record = (await answer.json()) as RunRecord;
            return record.state === "running" ? undefined : record;
        } catch {
            return undefined;
        }
    }
}
