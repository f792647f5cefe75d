import * as pulumi from "@pulumi/pulumi";
import { GeneratedSecret } from "../../provider/sdk";
import type { ManagedFile, SecretPlan } from "../../site/plan/types";
import { fillSecrets } from "../../site/plan/secrets";

/** All secrets of a site, generated once and kept in the state, encrypted. */
export class SiteSecrets extends pulumi.ComponentResource {
    private readonly values = new Map<string, pulumi.Output<string>>();

    public constructor(name: string, plans: readonly SecretPlan[], opts?: pulumi.ComponentResourceOptions) {
        super("pulumi-mesos:shared:SiteSecrets", name, {}, opts);
        for (const { name: secret, length } of plans) {
            this.values.set(secret, new GeneratedSecret(secret, { length }, { parent: this }).value);
        }
        this.registerOutputs({});
    }

    /** @throws Error when the plan names a secret that it does not list: a fault of the planner, not of the user */
    public value(secret: string): pulumi.Output<string> {
        const value = this.values.get(secret);
        if (value === undefined) {
            throw new Error(`the plan lists no secret ${secret}`);
        }
        return value;
    }

    /** The text of a file, as a Pulumi secret where it holds one. */
    public content({ content, secrets }: ManagedFile): pulumi.Input<string> {
        if (secrets.length === 0) {
            return content;
        }
        const values = Object.fromEntries(secrets.map((secret) => [secret, this.value(secret)]));
        return pulumi.secret(pulumi.output(values).apply((known) => fillSecrets(content, known)));
    }
}
