import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { COPY_VARIABLE, copyCheckout, ROOT } from "./places";
import { must } from "./processes";
import { tell } from "./steps";

/** Once, before the first test: a bundle, and the copy of the checkout that all tests work with. */
export default async function globalSetup(): Promise<void> {
    await must("npm", ["run", "-s", "build"], { cwd: ROOT });
    const copy = mkdtempSync(join(tmpdir(), "pulumi-mesos-e2e-"));
    copyCheckout(copy);
    process.env[COPY_VARIABLE] = copy;
    tell(`works in ${copy}, on the lab's hosts`);
}
