/** What the stack tells the program: its site and its work, checked and planned. */
import { homedir } from "node:os";
import * as pulumi from "@pulumi/pulumi";
import {
    formatIssues,
    type Issue,
    type PlanResult,
    planSite,
    planSiteWork,
    type SitePlan,
    type WorkPlan,
} from "../../site";
import { keyFault } from "../../site/checks/certificates";
import { issue } from "../../site/issue";
import { expandHome } from "../../site/load";

function faulty(issues: readonly Issue[]): pulumi.RunError {
    const count = issues.length;
    return new pulumi.RunError(
        `${count} fault${count === 1 ? "" : "s"} in the site of stack ${pulumi.getStack()}; nothing was changed\n${formatIssues(issues)}`,
    );
}

function warn(warnings: readonly Issue[]): void {
    if (warnings.length > 0) {
        void pulumi.log.warn(`in the site of stack ${pulumi.getStack()}\n${formatIssues(warnings, "warning")}`);
    }
}

export type Planned = Extract<PlanResult, { plan: unknown }>;

/** @throws RunError with all faults of the stack file */
export function readPlan(): Planned {
    const result = planSite(expandHome(new pulumi.Config().requireObject("site"), homedir()));
    if ("issues" in result) {
        throw faulty(result.issues);
    }
    warn(result.plan.warnings);
    return result;
}

/** @throws RunError with all faults of apps, jobs and what Mesos is told */
export function readWork({ site, plan }: Planned): WorkPlan {
    const stack = new pulumi.Config();
    const secretKeys = JSON.parse(process.env["PULUMI_CONFIG_SECRET_KEYS"] ?? "[]") as string[];
    // A secret must not be filled in as plain text.
    const isSecret = (name: string): boolean => secretKeys.includes(`${stack.name}:${name}`);
    const result = planSiteWork(site, plan, pulumi.getRootDirectory(), {
        config: (name) => (isSecret(name) ? undefined : stack.get(name)),
        hasSecret: (name) => stack.getSecret(name) !== undefined,
    });
    if ("issues" in result) {
        throw faulty(result.issues);
    }
    warn(result.work.warnings);
    return result.work;
}

/**
 * Secrets that others have made: this stack must be told them.
 *
 * @throws RunError with the commands that tell those that are missing
 */
export function requireGivenSecrets({ secrets }: SitePlan, work: WorkPlan): void {
    const config = new pulumi.Config();
    const own = new Set(secrets.map(({ name }) => name));
    const given = secrets.filter((secret) => secret.given === true).map(({ name }) => name);
    const missing = [...given, ...work.secrets.filter((name) => !own.has(name))].filter(
        (name) => config.getSecret(name) === undefined,
    );
    if (missing.length > 0) {
        const commands = missing.map((name) => `    pulumi config set --stack ${pulumi.getStack()} --secret ${name}`);
        throw new pulumi.RunError(
            `there are secrets that others have made, which this stack must be told; nothing was changed\n${commands.join("\n")}`,
        );
    }
}

/**
 * The private keys of certificates are in the configuration alone: only here can they be compared.
 *
 * @throws RunError when one does not belong to its certificate
 */
export function requireOwnKeys({ site }: Planned): void {
    const stack = new pulumi.Config();
    const faults = (["marathon", "metronome"] as const).flatMap((kind) => {
        const { tls } = site[kind] ?? {};
        if (tls === undefined || tls.issuer === "site") return [];
        const key = pulumi.runtime.getConfig(`${stack.name}:${tls.keySecret}`);
        const fault = key === undefined ? undefined : keyFault(tls.certificate, key);
        return fault === undefined
            ? []
            : [
                  issue("TLS_KEY", `${kind}.tls.keySecret`, fault, {
                      value: tls.keySecret,
                      fix: `pulumi config set --secret ${tls.keySecret} < key.pem`,
                  }),
              ];
    });
    if (faults.length > 0) throw faulty(faults);
}
