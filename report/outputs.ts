/** What a stack knows and its file does not. */
import { spawnSync } from "node:child_process";
import { join, resolve } from "node:path";

const root = resolve(__dirname, "..");

/**
 * An output of the stack, secrets in plain.
 * @param cwd where Pulumi.yaml is
 * @throws {Error} with the last line of what the engine says, when it cannot be had
 */
export function stackOutput(stack: string, cwd: string, name: string): unknown {
    const args = ["-C", cwd, "stack", "output", name, "--json", "--show-secrets", "--stack", stack];
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, "toolchain", "pulumi.mjs"), ...args], {
        encoding: "utf8",
    });
    if (status !== 0) throw new Error(stderr.trim().split("\n").at(-1) ?? "");
    return JSON.parse(stdout);
}
