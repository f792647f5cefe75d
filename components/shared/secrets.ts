import * as pulumi from "@pulumi/pulumi";
import { GeneratedSecret } from "../../provider/sdk";
import type { ManagedFile, SecretPlan } from "../../site/plan/types";
import { fillSecrets, secretsIn, valuesIn } from "../../site/plan/secrets";

/** A text with the values that it has marks of; as it is where it has none. */
export function withValues(text: string, value: (name: string) => pulumi.Output<string>): pulumi.Input<string> {
    const names = [...secretsIn(text), ...valuesIn(text)];
    if (names.length === 0) return text;
    const values = Object.fromEntries(names.map((name) => [name, value(name)]));
    return pulumi.output(values).apply((known) => fillSecrets(text, known));
}

/**
 * All secrets of a site, generated once and kept in the state, encrypted. One that the stack's configuration gives
 * (`pulumi config set --secret NAME`) is used instead: what existing parts accept, or what a rebuilt site must keep.
 */
export class SiteSecrets extends pulumi.ComponentResource {
    private readonly values = new Map<string, pulumi.Output<string>>();
    /** A pool's agents share most of their files: one Output each, not one per host. */
    private readonly contents = new WeakMap<ManagedFile, pulumi.Output<string>>();

    /**
     * @param name Resource name
     * @param plans The secrets that the site needs
     * @param given The value that the configuration has for a secret, if any
     * @param made What other resources have made, by the names that texts have for it
     * @param opts Resource options
     */
    public constructor(
        name: string,
        plans: readonly SecretPlan[],
        given: (secret: string) => pulumi.Output<string> | undefined,
        made: ReadonlyMap<string, pulumi.Output<string>> = new Map(),
        opts?: pulumi.ComponentResourceOptions,
    ) {
        super("pulumi-mesos:shared:SiteSecrets", name, {}, opts);
        const idle: string[] = [];
        for (const { name: secret, given: isForeign, ...args } of plans) {
            const value = given(secret) ?? new GeneratedSecret(secret, args, { parent: this }).value;
            this.values.set(secret, value);
            const hasGeneration = args.generation !== undefined || args.ownGeneration !== undefined;
            if (isForeign !== true && hasGeneration && given(secret) !== undefined) idle.push(secret);
        }
        if (idle.length > 0) {
            void pulumi.log.warn(
                `${idle.join(", ")}: given by the stack's configuration, so another generation changes nothing\n  fix: pulumi config rm NAME, and it is generated; or give another value`,
            );
        }
        made.forEach((value, name) => this.values.set(name, value));
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

    /** Whether the site itself makes it; others are given in the stack's configuration. */
    public has(secret: string): boolean {
        return this.values.has(secret);
    }

    /** A text with the values that it has marks of. */
    public text(content: string): pulumi.Input<string> {
        return withValues(content, (name) => this.value(name));
    }

    /** The text of a file, as a Pulumi secret where it holds one. */
    public content(file: ManagedFile): pulumi.Input<string> {
        const { content, secrets, values = [] } = file;
        if (secrets.length + values.length === 0) {
            return content;
        }
        const present = this.contents.get(file);
        if (present !== undefined) {
            return present;
        }
        const filled = pulumi.output(this.text(content));
        const made = secrets.length === 0 ? filled : pulumi.secret(filled);
        this.contents.set(file, made);
        return made;
    }
}
