/** Bundles of tests/fakes, which run as processes of their own. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";

const root = join(__dirname, "..", "..");

/** @param name of a file in tests/fakes */
export function bundleFake(name: string, outfile: string): void {
    execFileSync(join(root, "node_modules", ".bin", "esbuild"), [
        join(root, "tests", "fakes", `${name}.ts`),
        "--bundle",
        "--platform=node",
        "--log-level=warning",
        `--outfile=${outfile}`,
    ]);
}
