// An S3-compatible store for the tests: versitygw over a folder, built by Go; and Amazon's client for Python as Debian has it.
//   ROOT_ACCESS_KEY=… ROOT_SECRET_KEY=… node toolchain/s3.mjs FOLDER [ADDRESS]
// What is in a bucket is a file in FOLDER, which must have extended attributes. Prints {"endpoint", "python"}; ends with its standard input.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, renameSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ensureGo } from "./engine.mjs";
import { withLock } from "./lock.mjs";
import { cacheDir, digest } from "./places.mjs";
import { ensureVenv } from "./python.mjs";
import { Failure, main, run, step } from "./steps.mjs";

const here = join(dirname(fileURLToPath(import.meta.url)), "s3");
const program = "github.com/versity/versitygw/cmd/versitygw";
const requirements = join(here, "requirements.txt");

/** @returns path of the program */
async function ensureGateway({ log }) {
  const file = join(cacheDir(), "s3", digest({ files: [join(here, "go.mod"), join(here, "go.sum")] }), "versitygw");
  if (existsSync(file)) return file;
  mkdirSync(dirname(file), { recursive: true });
  await withLock(`${file}.lock`, async () => {
    if (existsSync(file)) return;
    const go = await ensureGo({ log });
    const env = { ...process.env, CGO_ENABLED: "0", GOTOOLCHAIN: "local", GOWORK: "off" };
    const logFile = join(cacheDir(), "logs", "s3.log");
    await step("s3 gateway: compile", () => run(go, ["build", "-trimpath", "-ldflags", "-s -w", "-o", `${file}.new`, program], { cwd: here, env, logFile, label: "go build (s3)" }), { log });
    renameSync(`${file}.new`, file);
  }, { log });
  return file;
}

/** @returns the Python that has boto3 */
async function ensureBoto({ log }) {
  const pip = ["--only-binary", ":all:", "--require-hashes", "-r", requirements];
  return join(await ensureVenv("boto3", pip, { what: "boto3", log, inputs: [requirements] }), "bin", "python3");
}

/** Once it listens. */
async function answers(endpoint) {
  for (let tried = 0; tried < 100; tried++) {
    if (await fetch(endpoint).then(() => true, () => false)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Failure(`the S3 gateway does not answer at ${endpoint}`);
}

async function freePort(address) {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, address, resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

await main(async () => {
  const [dir, address = "127.0.0.1"] = process.argv.slice(2);
  if (!dir) throw new Failure("usage: node toolchain/s3.mjs FOLDER [ADDRESS]");
  // What is printed is for a program: all else is said on standard error.
  const log = (line) => process.stderr.write(`${line}\n`);
  const [gateway, python] = await Promise.all([ensureGateway({ log }), ensureBoto({ log })]);
  mkdirSync(dir, { recursive: true });
  const port = await freePort(address);
  const child = spawn(gateway, ["--port", `${address}:${port}`, "--quiet", "posix", dir], { stdio: ["ignore", "ignore", "inherit"] });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const endpoint = `http://${address}:${port}`;
  await Promise.race([answers(endpoint), ended]);
  console.log(JSON.stringify({ endpoint, python }));
  process.stdin.resume().once("end", () => child.kill());
  return (await ended) ?? 0;
});
