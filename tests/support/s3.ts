/** A real S3-compatible store for a test: versitygw over a folder of this machine (`toolchain/s3.mjs`). */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";

export interface S3 {
    readonly endpoint: string;
    readonly accessKey: string;
    readonly secretKey: string;
    /** A Python that has boto3, as Debian 12's. */
    readonly python: string;
    /** What is in a bucket is a file below it. */
    readonly folder: string;
    stop(): Promise<void>;
}

/**
 * @param bucket that is there from the start
 * @param address that it listens at
 */
export async function startS3(bucket: string, address = "127.0.0.1"): Promise<S3> {
    // Not below /tmp: that may be a file system without extended attributes.
    const dir = mkdtempSync("/var/tmp/pulumi-mesos-s3-");
    const folder = join(dir, bucket);
    mkdirSync(folder);
    const [accessKey, secretKey] = ["a-key", "its-secret-and-long-enough"];
    const gateway: ChildProcess = spawn(
        process.execPath,
        [join(__dirname, "..", "..", "toolchain", "s3.mjs"), dir, address],
        {
            stdio: ["pipe", "pipe", "inherit"],
            env: { ...process.env, ROOT_ACCESS_KEY: accessKey, ROOT_SECRET_KEY: secretKey },
        },
    );
    const line = await new Promise<string>((resolve, reject) => {
        gateway.stdout?.once("data", (data: Buffer) => resolve(data.toString()));
        gateway.once("exit", (code) => reject(new Error(`the store ended with ${code ?? "a signal"}`)));
    });
    return {
        ...(JSON.parse(line) as { endpoint: string; python: string }),
        ...{ accessKey, secretKey, folder },
        async stop() {
            const ended = new Promise((resolve) => gateway.once("exit", resolve));
            gateway.stdin?.end();
            await ended;
            rmSync(dir, { recursive: true, force: true });
        },
    };
}
