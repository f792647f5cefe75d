import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { COPY_VARIABLE, copyCheckout, ROOT } from "../../e2e/support/places";
import { must } from "../../e2e/support/processes";
import { tell } from "../../e2e/support/steps";

/** Once, before the first test: blank registered hosts, and the copy of the checkout that all tests work with. */
export default async function globalSetup(): Promise<void> {
    await must("npm", ["run", "-s", "build"], { cwd: ROOT });
    const copy = mkdtempSync(join(tmpdir(), "pulumi-mesos-openstack-"));
    copyCheckout(copy);
    process.env[COPY_VARIABLE] = copy;
    const hosts = (...args: string[]): Promise<string> =>
        must(process.execPath, [join(ROOT, "lab", "hosts.mjs"), "--hybrid", ...args], { timeoutSec: 300 });
    tell("makes the registered hosts anew");
    await hosts("down", "--purge");
    await hosts("up", "2");
    tell(`works in ${copy}`);
}
