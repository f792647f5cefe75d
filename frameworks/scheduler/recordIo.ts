/** RecordIO, the framing of Mesos' event streams: the length in decimal digits, a newline, that many bytes. */

/** The stream is not RecordIO, or a record is larger than allowed: nothing that follows can be understood. */
export class FramingError extends Error {
    public override readonly name = "FramingError";
}

/** 2^64 has 20 digits, and Mesos writes no more. */
const MAX_DIGITS = 20;

export const DEFAULT_MAX_RECORD_BYTES = 64 * 1024 * 1024;

/**
 * Takes a stream apart, wherever its chunks were cut.
 *
 * Bytes are kept as they came and joined once per record, so a record of many chunks costs its own length only.
 */
export class RecordIoDecoder {
    private digits = "";
    private chunks: Buffer[] = [];
    /** Bytes that the record still lacks; undefined while its length is being read. */
    private missing: number | undefined;

    /** @param maxRecordBytes a longer record is refused before it is held in memory. @default 64 MiB */
    public constructor(private readonly maxRecordBytes = DEFAULT_MAX_RECORD_BYTES) {}

    /** Whether the stream, should it end now, would end within a record. */
    public get isWithinRecord(): boolean {
        return this.missing !== undefined || this.digits !== "";
    }

    /**
     * @returns the records that this chunk completes, in order
     * @throws {FramingError}
     */
    public push(chunk: Uint8Array): Buffer[] {
        const data = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
        const records: Buffer[] = [];
        let at = 0;
        // A record of no bytes is complete as soon as its length is known.
        while (at < data.length || this.missing === 0) {
            if (this.missing === undefined) {
                at = this.readLength(data, at);
                continue;
            }
            const part = data.subarray(at, at + this.missing);
            at += part.length;
            this.missing -= part.length;
            this.chunks.push(part);
            if (this.missing === 0) {
                records.push(this.chunks.length === 1 ? part : Buffer.concat(this.chunks));
                this.chunks = [];
                this.missing = undefined;
            }
        }
        return records;
    }

    /** @returns where the length's newline ends, or the chunk does */
    private readLength(data: Buffer, from: number): number {
        const newline = data.indexOf(0x0a, from);
        const end = newline < 0 ? data.length : newline;
        this.digits += data.toString("latin1", from, Math.min(end, from + MAX_DIGITS + 1));
        if (!/^\d*$/.test(this.digits) || this.digits.length > MAX_DIGITS || (newline >= 0 && this.digits === "")) {
            throw new FramingError(`not a RecordIO stream: "${this.digits.slice(0, 40)}" stands where a length should`);
        }
        if (newline < 0) {
            return end;
        }
        const length = Number(this.digits);
        if (length > this.maxRecordBytes) {
            throw new FramingError(`a record of ${this.digits} bytes; at most ${this.maxRecordBytes} are taken`);
        }
        this.digits = "";
        this.missing = length;
        return newline + 1;
    }
}

/** One record, framed. */
export function encodeRecord(text: string): Buffer {
    const body = Buffer.from(text);
    return Buffer.concat([Buffer.from(`${body.length}\n`), body]);
}
