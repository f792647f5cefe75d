/** Backups in an S3-compatible store: what the administrator's machine keeps, hosts read and remove, and the other way round. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore } from "../../rescue/openStore";
import { type S3, startS3 } from "../support/s3";

const dir = mkdtempSync(join(tmpdir(), "pulumi-mesos-s3-"));
const TO = "s3://backups/alpha";
const region = "us-east-1";
let s3: S3;

beforeAll(async () => {
    s3 = await startS3("backups");
});
afterAll(async () => {
    await s3.stop();
    rmSync(dir, { recursive: true, force: true });
});

const administrator = (to = TO, secretKey = s3.secretKey) => openStore(to, "/", { ...s3, region, secretKey });

/** What a host's program says of an expression with its store as `store`. */
function host(code: string, secret = s3.secretKey): unknown {
    const keyFile = join(dir, "key.ini");
    writeFileSync(keyFile, `[default]\naws_access_key_id = ${s3.accessKey}\naws_secret_access_key = ${secret}\n`, {
        mode: 0o600,
    });
    const settings = JSON.stringify({ to: TO, s3: { endpoint: s3.endpoint, region, keyFile } });
    const program = `
import base64, json, sys
sys.dont_write_bytecode = True
sys.path.insert(0, "rescue/host")
import mesos_stores
store = mesos_stores.store_of(json.loads(sys.argv[1]))
try:
    print(json.dumps(${code}))
except mesos_stores.StoreError as error:
    print(json.dumps(str(error)))
`;
    const said = execFileSync(s3.python, ["-c", program, settings], {
        cwd: join(__dirname, "..", ".."),
        encoding: "utf8",
    });
    return JSON.parse(said);
}

const files = { "registry.age": Buffer.from([0, 255, 10, 13, 128]), "manifest.json": Buffer.from("{}") };

test("either side reads what the other has written, and removes it", async () => {
    const store = administrator();
    expect(await store.list()).toEqual([]);
    expect(host("store.list()")).toEqual([]);
    await store.publish("alpha-one", files);
    expect(host("store.list()")).toEqual(["alpha-one"]);
    expect(host(`list(store.read("alpha-one", "registry.age"))`)).toEqual([0, 255, 10, 13, 128]);
    host(`store.publish("alpha-two", {"manifest.json": b"{}", "zookeeper.age": bytes(range(256))})`);
    expect((await store.list()).sort()).toEqual(["alpha-one", "alpha-two"]);
    expect([...(await store.read("alpha-two", "zookeeper.age"))]).toEqual(Array.from({ length: 256 }, (_, i) => i));
    // Somebody else's folder in the same bucket is nobody's here.
    expect(await administrator("s3://backups/alp").list()).toEqual([]);
    host(`store.remove("alpha-one")`);
    await store.remove("alpha-two");
    expect(await store.list()).toEqual([]);
    expect(existsSync(join(s3.folder, "alpha", "alpha-one"))).toBe(false);
});

test("one that was not finished is none", async () => {
    const place = join(s3.folder, "alpha", "alpha-half");
    await administrator().publish("alpha-half", { "registry.age": files["registry.age"] });
    expect(readdirSync(place)).toEqual(["registry.age"]);
    expect(await administrator().list()).toEqual([]);
    expect(host("store.list()")).toEqual([]);
    await administrator().remove("alpha-half");
    expect(existsSync(place)).toBe(false);
});

test("the store's own words say why not", async () => {
    await expect(administrator().read("alpha-one", "registry.age")).rejects.toThrow(
        /^s3:\/\/backups\/alpha: read alpha-one\/registry\.age: .*does not exist/,
    );
    await expect(administrator("s3://nowhere").list()).rejects.toThrow(/bucket does not exist/);
    await expect(administrator(TO, "wrong").list()).rejects.toThrow(/signature/i);
    expect(host("store.list()", "wrong")).toMatch(/backups: .*signature/i);
    expect(host(`store.read("alpha-one", "x")`)).toMatch(/NoSuchKey/);
});
