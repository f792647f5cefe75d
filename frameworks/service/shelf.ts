/** Named texts in ZooKeeper: what a framework must know after a restart, on whichever host. */
import { CODE, isCode } from "../zookeeper/errors";
import type { ZooKeeperSession } from "../zookeeper/session";

export interface Shelf {
    /** Names of all that is there. */
    names(): Promise<string[]>;
    get(name: string): Promise<Buffer | undefined>;
    put(name: string, data: string | Buffer): Promise<void>;
    remove(name: string): Promise<void>;
}

/** A node takes one MiB, its name included. */
const PART = 900_000;

/** Below a path; what is larger than a node lies in several. */
export class ZooKeeperShelf implements Shelf {
    public constructor(
        private readonly session: ZooKeeperSession,
        private readonly path: string,
    ) {}

    public async names(): Promise<string[]> {
        return this.session.children(this.path).catch((error: unknown) => {
            if (isCode(error, CODE.noNode)) {
                return [];
            }
            throw error;
        });
    }

    public async get(name: string): Promise<Buffer | undefined> {
        const node = `${this.path}/${name}`;
        try {
            const count = Number(String(await this.session.data(node)));
            const parts: Buffer[] = [];
            for (let part = 0; part < count; part += 1) {
                parts.push(await this.session.data(`${node}/${part}`));
            }
            // A node without its number has not been written to its end.
            return count > 0 ? Buffer.concat(parts) : undefined;
        } catch (error) {
            if (isCode(error, CODE.noNode)) {
                return undefined;
            }
            throw error;
        }
    }

    public async put(name: string, data: string | Buffer): Promise<void> {
        const bytes = Buffer.from(data);
        const node = `${this.path}/${name}`;
        const count = Math.max(1, Math.ceil(bytes.length / PART));
        for (let part = 0; part < count; part += 1) {
            await this.session.ensure(`${node}/${part}`);
            await this.session.setData(`${node}/${part}`, bytes.subarray(part * PART, (part + 1) * PART));
        }
        await this.session.setData(node, String(count));
    }

    public async remove(name: string): Promise<void> {
        const node = `${this.path}/${name}`;
        if (!(await this.session.exists(node))) {
            return;
        }
        for (const part of await this.session.children(node)) {
            await this.session.remove(`${node}/${part}`);
        }
        await this.session.remove(node);
    }
}

/** For tests. */
export class MemoryShelf implements Shelf {
    public readonly all = new Map<string, Buffer>();

    public names(): Promise<string[]> {
        return Promise.resolve([...this.all.keys()]);
    }

    public get(name: string): Promise<Buffer | undefined> {
        return Promise.resolve(this.all.get(name));
    }

    public put(name: string, data: string | Buffer): Promise<void> {
        this.all.set(name, Buffer.from(data));
        return Promise.resolve();
    }

    public remove(name: string): Promise<void> {
        this.all.delete(name);
        return Promise.resolve();
    }
}
