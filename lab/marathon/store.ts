/** Where the state outlives the process: documents by name. */
import { CODE, isCode } from "../../frameworks/zookeeper/errors";
import type { ZooKeeperSession } from "../../frameworks/zookeeper/session";

export interface Store {
    load(): Promise<ReadonlyMap<string, unknown>>;
    put(name: string, document: unknown): void;
    remove(name: string): void;
    /** When everything said so far is kept. */
    kept(): Promise<void>;
}

export class MemoryStore implements Store {
    public readonly documents = new Map<string, string>();

    public load(): Promise<ReadonlyMap<string, unknown>> {
        return Promise.resolve(
            new Map([...this.documents].map(([name, text]) => [name, JSON.parse(text) as unknown])),
        );
    }

    public put(name: string, document: unknown): void {
        this.documents.set(name, JSON.stringify(document));
    }

    public remove(name: string): void {
        this.documents.delete(name);
    }

    public kept(): Promise<void> {
        return Promise.resolve();
    }
}

/** A node for each document. Of several changes of one document only the last is written. */
export class ZooKeeperStore implements Store {
    private readonly waiting = new Map<string, string | undefined>();
    private readonly known = new Set<string>();
    private work: Promise<void> = Promise.resolve();

    /** @param failed called when the state can no longer be kept: the process must not lead any more */
    public constructor(
        private readonly session: ZooKeeperSession,
        private readonly path: string,
        private readonly failed: (error: unknown) => void,
    ) {}

    private node(name: string): string {
        return `${this.path}/${encodeURIComponent(name)}`;
    }

    public async load(): Promise<ReadonlyMap<string, unknown>> {
        await this.session.ensure(this.path);
        const names = await this.session.children(this.path);
        const documents = await Promise.all(
            names.map(async (name) => JSON.parse(String(await this.session.data(`${this.path}/${name}`))) as unknown),
        );
        const decoded = names.map((name) => decodeURIComponent(name));
        decoded.forEach((name) => this.known.add(name));
        return new Map(decoded.map((name, index) => [name, documents[index]]));
    }

    public put(name: string, document: unknown): void {
        this.later(name, JSON.stringify(document));
    }

    public remove(name: string): void {
        this.later(name, undefined);
    }

    public kept(): Promise<void> {
        return this.work;
    }

    private later(name: string, text: string | undefined): void {
        const idle = this.waiting.size === 0;
        this.waiting.set(name, text);
        if (idle) {
            this.work = this.work.then(() => this.write()).catch((error: unknown) => this.failed(error));
        }
    }

    private async write(): Promise<void> {
        while (this.waiting.size > 0) {
            const batch = [...this.waiting];
            this.waiting.clear();
            await Promise.all(batch.map(([name, text]) => this.writeOne(name, text)));
        }
    }

    private async writeOne(name: string, text: string | undefined): Promise<void> {
        const node = this.node(name);
        if (text === undefined) {
            this.known.delete(name);
            await this.session.remove(node).catch((error: unknown) => {
                if (!isCode(error, CODE.noNode)) {
                    throw error;
                }
            });
        } else if (this.known.has(name)) {
            await this.session.setData(node, text);
        } else {
            this.known.add(name);
            await this.session.create(node, text);
        }
    }
}
