import { existsSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HOSTS } from "./hosts";
import { COPY_VARIABLE, copyCheckout, LAB, ROOT } from "./places";
import { must } from "./processes";
import { markChanged } from "./stack";
import { tell } from "./steps";

/** Once, before the first test: a bundle, and the copy of the checkout that all tests work with. */
export default async function globalSetup(): Promise<void> {
    const missing = HOSTS.filter((host) => !existsSync(join(LAB, "hosts", host)));
    if (missing.length > 0) {
        throw new Error(`the lab has no ${missing.join(", ")}: bring it up first (npm run lab)`);
    }
    await must("npm", ["run", "-s", "build"], { cwd: ROOT });
    const copy = mkdtempSync(join(tmpdir(), "pulumi-mesos-e2e-"));
    copyCheckout(copy);
    process.env[COPY_VARIABLE] = copy;
    // The lab may stand as the administrator's own stack file has it.
    markChanged();
    tell(`works in ${copy}, on the lab's hosts`);
}
