/** Keeps HAProxy's configuration as Marathon's apps are. A reload hands the listening sockets on: no connection is refused. */
import { execFile } from "node:child_process";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { promisify } from "node:util";
import { balance, type BalancerSettings } from "./haproxy";
import type { Service } from "./services";

const run = promisify(execFile);

export interface BalancerPlace {
    /** The configuration that HAProxy is started with. */
    readonly file: string;
    /** Socket of HAProxy's master process. */
    readonly socket: string;
    readonly program: string;
}

/** Asks HAProxy's master process to start workers with the configuration as it is now. */
function reload(socket: string): Promise<void> {
    return new Promise((resolve, reject) => {
        const stream = connect(socket);
        const timer = setTimeout(() => stream.destroy(new Error("HAProxy's master process does not answer")), 10_000);
        stream.on("connect", () => stream.end("reload\n"));
        // It closes the connection when it begins anew.
        stream.on("data", () => undefined);
        stream.on("error", (error: NodeJS.ErrnoException) => {
            clearTimeout(timer);
            if (error.code === "ECONNRESET" || error.code === "EPIPE") resolve();
            else reject(error);
        });
        stream.on("close", () => {
            clearTimeout(timer);
            resolve();
        });
    });
}

export class Balancer {
    private told = "";
    private pending: boolean;

    public constructor(
        private readonly settings: BalancerSettings,
        private readonly place: BalancerPlace,
        private readonly log: (line: string) => void,
    ) {
        // HAProxy may still run with what was there before this process began.
        this.pending = true;
    }

    /** A configuration by today's settings, of the apps that were seen last: HAProxy can start before Marathon answers. */
    public ensure(): void {
        this.write(this.place.file, balance(this.remembered(), this.settings).text);
    }

    private remembered(): Service[] {
        try {
            return JSON.parse(readFileSync(this.memory, "utf8")) as Service[];
        } catch {
            // The first start, or a crash while it was made: the first look at Marathon tells all.
            return [];
        }
    }

    private get memory(): string {
        return `${this.place.file}.apps.json`;
    }

    /** @throws {Error} when HAProxy refuses the configuration or cannot be told: the next look tries again */
    public async show(services: readonly Service[]): Promise<void> {
        const { text, faults } = balance(services, this.settings);
        if (faults.join("\n") !== this.told) faults.forEach((fault) => this.log(fault));
        this.told = faults.join("\n");
        const before = existsSync(this.place.file) ? readFileSync(this.place.file, "utf8") : "";
        if (text !== before) {
            await this.refuseBad(text);
            this.write(
                this.memory,
                JSON.stringify(services.filter(({ labels }) => labels["HAPROXY_GROUP"] !== undefined)),
            );
            this.write(this.place.file, text);
            this.pending = true;
        }
        if (!this.pending) return;
        await reload(this.place.socket);
        this.pending = false;
        const servers = text.split("\n").filter((line) => line.startsWith("    server ")).length;
        this.log(`reloaded: ${servers} server${servers === 1 ? "" : "s"}`);
    }

    private async refuseBad(text: string): Promise<void> {
        const trial = `${this.place.file}.new`;
        writeFileSync(trial, text);
        try {
            await run(this.place.program, ["-c", "-q", "-f", trial]);
        } catch (error) {
            const { stderr } = error as { stderr?: string };
            throw new Error(
                `HAProxy refuses its configuration: ${(stderr ?? "").trim().split("\n").slice(0, 3).join("; ")}`,
                { cause: error },
            );
        }
    }

    private write(file: string, text: string): void {
        writeFileSync(`${file}.new`, text);
        renameSync(`${file}.new`, file);
    }
}
