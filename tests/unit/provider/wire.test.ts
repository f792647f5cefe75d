import { decode, differences, encode, formatPath } from "../../../provider/wire";

const secret = (value: unknown) => ({
    "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
    value,
});

describe("secrets on the wire", () => {
    const raw = { files: { "/etc/zk": { content: secret("s3cret"), mode: "0600" } }, list: [1, secret("two")] };

    test("are unwrapped and remembered by path", () => {
        const { value, secrets } = decode(raw);
        expect(value).toEqual({ files: { "/etc/zk": { content: "s3cret", mode: "0600" } }, list: [1, "two"] });
        expect(secrets).toEqual([
            ["files", "/etc/zk", "content"],
            ["list", 1],
        ]);
    });

    test("come back as they were", () => {
        const { value, secrets } = decode(raw);
        expect(encode(value, secrets)).toEqual(raw);
    });

    test("inside a secret object keep both wrappings", () => {
        const nested = { a: secret({ b: secret("x") }) };
        const { value, secrets } = decode(nested);
        expect(value).toEqual({ a: { b: "x" } });
        expect(encode(value, secrets)).toEqual(nested);
    });

    test("whose path is gone are passed over", () => {
        expect(encode({ files: {} }, [["files", "/etc/zk", "content"]])).toEqual({ files: {} });
    });
});

test("fields that were not given are left out", () => {
    expect(decode({ a: null, b: undefined, c: 0 }).value).toEqual({ c: 0 });
});

test.each([
    [["files", "/etc/x.cfg", "content"], 'files["/etc/x.cfg"].content'],
    [["packages", 0, "name"], "packages[0].name"],
    [["a", 'q"uote'], 'a["q\\"uote"]'],
])("path %j is written %s", (path, text) => {
    expect(formatPath(path)).toBe(text);
});

test("differences are found at the leaves, whatever the order of keys", () => {
    const before = { a: 1, b: { x: "1", y: "2" }, list: ["p", "q"] };
    const after = { list: ["p"], b: { y: "2", x: "3" }, c: true };
    expect(differences(before, after).map(({ path, kind }) => `${kind} ${formatPath(path)}`)).toEqual([
        "delete a",
        "update b.x",
        "add c",
        "delete list[1]",
    ]);
    expect(differences(before, structuredClone(before))).toEqual([]);
});
