/** ZooKeeper's encoding ("jute"): big-endian numbers, texts and lists with their length before them. */

export class Writer {
    private readonly parts: Buffer[] = [];

    private add(size: number, write: (buffer: Buffer) => void): this {
        const buffer = Buffer.alloc(size);
        write(buffer);
        this.parts.push(buffer);
        return this;
    }

    public byte(value: number): this {
        return this.add(1, (buffer) => buffer.writeInt8(value));
    }

    public int(value: number): this {
        return this.add(4, (buffer) => buffer.writeInt32BE(value));
    }

    public long(value: bigint): this {
        return this.add(8, (buffer) => buffer.writeBigInt64BE(value));
    }

    public buffer(value: Buffer): this {
        this.int(value.length);
        this.parts.push(value);
        return this;
    }

    public text(value: string): this {
        return this.buffer(Buffer.from(value));
    }

    public append(other: Writer): this {
        this.parts.push(...other.parts);
        return this;
    }

    /** The whole, with its length before it. */
    public framed(): Buffer {
        const body = Buffer.concat(this.parts);
        const length = Buffer.alloc(4);
        length.writeInt32BE(body.length);
        return Buffer.concat([length, body]);
    }
}

export class Reader {
    private at = 0;

    public constructor(private readonly data: Buffer) {}

    public int(): number {
        this.at += 4;
        return this.data.readInt32BE(this.at - 4);
    }

    public long(): bigint {
        this.at += 8;
        return this.data.readBigInt64BE(this.at - 8);
    }

    public buffer(): Buffer {
        const length = Math.max(0, this.int());
        this.at += length;
        return Buffer.from(this.data.subarray(this.at - length, this.at));
    }

    public text(): string {
        return this.buffer().toString("utf8");
    }

    public list<T>(item: (reader: this) => T): T[] {
        return Array.from({ length: Math.max(0, this.int()) }, () => item(this));
    }
}
