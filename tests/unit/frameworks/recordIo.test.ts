import { encodeRecord, FramingError, RecordIoDecoder } from "../../../frameworks/scheduler/recordIo";
import { below, chance, SEEDS } from "./random";

const texts = ["", "{}", "12\n34", "ä€😀".repeat(50), "x".repeat(5000)];
const stream = Buffer.concat(texts.map(encodeRecord));

const decode = (decoder: RecordIoDecoder, chunks: readonly Buffer[]): string[] =>
    chunks.flatMap((chunk) => decoder.push(chunk)).map((record) => record.toString("utf8"));

test("records come out whole wherever one cut is", () => {
    for (let cut = 0; cut <= stream.length; cut++) {
        const decoder = new RecordIoDecoder();
        expect(decode(decoder, [stream.subarray(0, cut), stream.subarray(cut)])).toEqual(texts);
        expect(decoder.isWithinRecord).toBe(false);
    }
});

test.each([1, 2, 3, 7])("and when every chunk has %i bytes", (size) => {
    const chunks = Array.from({ length: Math.ceil(stream.length / size) }, (_, i) =>
        stream.subarray(i * size, (i + 1) * size),
    );
    expect(decode(new RecordIoDecoder(), chunks)).toEqual(texts);
});

test("and when chunks are cut by chance", () => {
    for (const seed of SEEDS) {
        const random = chance(seed);
        const chunks: Buffer[] = [];
        for (let at = 0; at < stream.length;) {
            const size = 1 + below(random, 900);
            chunks.push(stream.subarray(at, at + size));
            at += size;
        }
        expect([seed, decode(new RecordIoDecoder(), chunks)]).toEqual([seed, texts]);
    }
});

test("the decoder knows that it is within a record", () => {
    const decoder = new RecordIoDecoder();
    decoder.push(Buffer.from("1"));
    expect(decoder.isWithinRecord).toBe(true);
    decoder.push(Buffer.from("0\nabc"));
    expect(decoder.isWithinRecord).toBe(true);
    decoder.push(Buffer.from("defghij"));
    expect(decoder.isWithinRecord).toBe(false);
});

test.each([
    ["no length", "\nabc"],
    ["a word", "HTTP/1.1 500"],
    ["a negative length", "-5\nabcde"],
    ["a fraction", "1.5\nab"],
    ["more digits than 2^64 has", "123456789012345678901"],
    ["a length with blanks", " 3\nabc"],
])("%s is no RecordIO", (_, text) => {
    expect(() => new RecordIoDecoder().push(Buffer.from(text))).toThrow(FramingError);
});

test("a record beyond the limit is refused as soon as its length is known", () => {
    const decoder = new RecordIoDecoder(10);
    expect(decode(decoder, [encodeRecord("0123456789")])).toEqual(["0123456789"]);
    expect(() => decoder.push(Buffer.from("11\n"))).toThrow("a record of 11 bytes; at most 10 are taken");
});
