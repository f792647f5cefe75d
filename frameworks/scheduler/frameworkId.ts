/**
 * Where a framework keeps the id that the masters gave it. With the id a restarted framework finds its tasks again; without it
 * they stay behind as another framework's until their failover time-out ends them.
 */
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { CODE, isCode } from "../zookeeper/errors";
import type { ZooKeeperSession } from "../zookeeper/session";

export interface FrameworkIdStore {
    /** For messages: how an operator would name the place. */
    readonly place: string;
    load(): Promise<string | undefined>;
    /** Resolves when a crash would not lose it any more. */
    save(id: string): Promise<void>;
    clear(): Promise<void>;
}

/** For tests, and for frameworks that want to be new at every start. */
export class MemoryIdStore implements FrameworkIdStore {
    public readonly place = "memory";

    public constructor(public id?: string) {}

    public load(): Promise<string | undefined> {
        return Promise.resolve(this.id);
    }

    public save(id: string): Promise<void> {
        this.id = id;
        return Promise.resolve();
    }

    public clear(): Promise<void> {
        this.id = undefined;
        return Promise.resolve();
    }
}

/** A file of mode 0600, replaced as a whole. */
export class FileIdStore implements FrameworkIdStore {
    public readonly place: string;

    public constructor(private readonly file: string) {
        this.place = file;
    }

    public load(): Promise<string | undefined> {
        const text = existsSync(this.file) ? readFileSync(this.file, "utf8").trim() : "";
        return Promise.resolve(text === "" ? undefined : text);
    }

    public save(id: string): Promise<void> {
        const part = `${this.file}.new`;
        rmSync(part, { force: true });
        writeFileSync(part, `${id}\n`, { mode: 0o600 });
        const handle = openSync(part, "r");
        fsyncSync(handle);
        closeSync(handle);
        renameSync(part, this.file);
        return Promise.resolve();
    }

    public clear(): Promise<void> {
        rmSync(this.file, { force: true });
        return Promise.resolve();
    }
}

/** A node that, with a credential in the session, only that user may read or change. */
export class ZooKeeperIdStore implements FrameworkIdStore {
    public readonly place: string;

    public constructor(
        private readonly session: ZooKeeperSession,
        private readonly path: string,
    ) {
        this.place = `ZooKeeper's node ${path}`;
    }

    public async load(): Promise<string | undefined> {
        try {
            const text = String(await this.session.data(this.path));
            return text === "" ? undefined : text;
        } catch (error) {
            if (isCode(error, CODE.noNode)) {
                return undefined;
            }
            throw error;
        }
    }

    public async save(id: string): Promise<void> {
        await this.session.ensure(this.path);
        await this.session.setData(this.path, id);
    }

    public async clear(): Promise<void> {
        if (await this.session.exists(this.path)) {
            await this.session.remove(this.path);
        }
    }
}
