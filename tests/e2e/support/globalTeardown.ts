import { rmSync } from "node:fs";
import { copyDir } from "./places";

/** What a failed run left is kept for who looks into it, if he asks. */
export default function globalTeardown(): void {
    if (process.env["PULUMI_MESOS_E2E_KEEP"] === undefined) {
        rmSync(copyDir(), { recursive: true, force: true });
    }
}
