/** Where things lie: the checkout, the lab, and the copy of the checkout that this run works with. */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";

export const ROOT = join(__dirname, "..", "..", "..");

/** As in lab/settings.mjs. */
export const LAB = process.env["PULUMI_MESOS_LAB"] ?? "/var/lib/pulumi-mesos/lab";

/**
 * The run works on a copy of the checkout: the administrator's own stack file stays as it is, and a source that is edited
 * while the tests run does not end up in the middle of them.
 */
export const COPY_VARIABLE = "PULUMI_MESOS_E2E_COPY";

export function copyDir(): string {
    const dir = process.env[COPY_VARIABLE];
    if (dir === undefined) {
        throw new Error(
            `${COPY_VARIABLE} is not set: run the tests by \`npm test\` or with this folder's jest.config.js`,
        );
    }
    return dir;
}

/** What no run of the engine needs. A new room of the house is copied without being named here. */
const NOT_COPIED = new Set(["node_modules", "tests", "bench", "docs", "schema"]);

export function copyCheckout(to: string): void {
    mkdirSync(to, { recursive: true });
    const isCopied = (name: string): boolean => !/^\.|^Pulumi\..+\.yaml$/.test(name) && !NOT_COPIED.has(name);
    for (const name of readdirSync(ROOT).filter(isCopied)) {
        cpSync(join(ROOT, name), join(to, name), { recursive: true, preserveTimestamps: true });
    }
    if (!existsSync(join(to, "node_modules"))) {
        symlinkSync(join(ROOT, "node_modules"), join(to, "node_modules"));
    }
}

/** The salt of the stack's passphrase: without it the state's secrets cannot be read. */
export function encryptionSalt(): string {
    const file = join(ROOT, "Pulumi.lab.yaml");
    const salt = existsSync(file) ? /^encryptionsalt: (.*)$/m.exec(readFileSync(file, "utf8"))?.[1] : undefined;
    if (salt === undefined) {
        throw new Error(`${file} has no encryptionsalt: bring the lab up first (npm run lab)`);
    }
    return salt;
}
