/** The policy pack: `pulumi preview --policy-pack policy [--policy-pack-config FILE]`. What the rules are is in rules.ts. */
import {
    PolicyPack,
    type EnforcementLevel,
    type PolicyResource,
    type ResourceValidationArgs,
    type ResourceValidationPolicy,
    type StackValidationPolicy,
} from "@pulumi/policy";
import type { PolicyConfigJSONSchema } from "@pulumi/policy/schema";
import * as rules from "./rules";
import { noteSecrets, propertiesOf } from "./secrets";

noteSecrets();

function declared(resource: ResourceValidationArgs | PolicyResource): rules.Declared {
    const { type, name, urn, opts } = resource;
    return { type, name, urn, protect: opts.protect, ...propertiesOf(resource.props as Record<string, unknown>) };
}

/**
 * Of a stack's resources the engine shows their outputs, and what the rules ask about are inputs: those are kept from when each
 * resource was shown alone.
 */
const seen = new Map<string, rules.Declared>();

interface Rule<Config> {
    readonly name: string;
    readonly description: string;
    readonly level: EnforcementLevel;
    readonly defaults: Config;
    readonly schema: Readonly<Record<keyof Config, PolicyConfigJSONSchema>>;
    readonly check: (all: readonly rules.Declared[], config: Config) => rules.Violation[];
}

function parts<Config extends object>({ name, description, level, defaults, schema }: Rule<Config>) {
    const properties = Object.fromEntries(
        (Object.keys(schema) as (keyof Config & string)[]).map((key) => [
            key,
            { ...schema[key], default: defaults[key] as PolicyConfigJSONSchema["default"] },
        ]),
    );
    return { name, description, enforcementLevel: level, configSchema: { properties } };
}

/** Each resource alone, before it is made. */
function ofResources<Config extends object>(rule: Rule<Config>): ResourceValidationPolicy {
    return {
        ...parts(rule),
        validateResource: (args, report) => {
            const one = declared(args);
            seen.set(one.urn, one);
            const config = { ...rule.defaults, ...args.getConfig<Partial<Config>>() };
            for (const { message } of rule.check([one], config)) report(message);
        },
    };
}

/** All of them together, at the end of a preview. It needs one of the rules for single resources to be on. */
function ofStack<Config extends object>(rule: Rule<Config>): StackValidationPolicy {
    return {
        ...parts(rule),
        validateStack: (args, report) => {
            const config = { ...rule.defaults, ...args.getConfig<Partial<Config>>() };
            const all = args.resources.map((resource) => seen.get(resource.urn) ?? declared(resource));
            for (const { urn, message } of rule.check(all, config)) report(message, urn);
        },
    };
}

const texts: PolicyConfigJSONSchema = { type: "array", items: { type: "string" } };

// The name is the last part of the engine's "policy pack" lines.
new PolicyPack("pulumi-mesos", {
    policies: [
        ofStack({
            name: "zones",
            description: "Members of a quorum, and the hosts of a pool, stand in zones of their own.",
            level: "mandatory",
            defaults: { quorum: 3, pools: 1 },
            schema: { quorum: { type: "integer", minimum: 1 }, pools: { type: "integer", minimum: 1 } },
            check: rules.checkZones,
        }),
        ofResources({
            name: "protection",
            description: "Hosts that must not be lost, quorums and data volumes are protected.",
            level: "advisory",
            defaults: { hosts: [] as readonly string[], quorum: true, volumes: true },
            schema: { hosts: texts, quorum: { type: "boolean" }, volumes: { type: "boolean" } },
            check: rules.checkProtection,
        }),
        ofResources({
            name: "authentication",
            description: "Frameworks, agents and HTTP clients must authenticate.",
            level: "mandatory",
            defaults: {},
            schema: {},
            check: rules.checkAuthentication,
        }),
        ofResources({
            name: "versions",
            description: "Packages are of allowed versions, and pinned.",
            level: "advisory",
            defaults: {
                allowed: {},
                pinned: ["mesos", "marathon", "metronome"] as readonly string[],
            },
            schema: { allowed: { type: "object", additionalProperties: texts }, pinned: texts },
            check: rules.checkVersions,
        }),
        ofResources({
            name: "no-plain-secret",
            description: "Variables of apps and jobs that are named like secrets are secrets of the stack.",
            level: "mandatory",
            defaults: { except: [] as readonly string[] },
            schema: { except: texts },
            check: rules.checkPlainSecrets,
        }),
        ofStack({
            name: "headroom",
            description: "The declared apps fit without the zone that gives most.",
            level: "advisory",
            defaults: { sparePercent: 10 },
            schema: { sparePercent: { type: "number", minimum: 0 } },
            check: rules.checkHeadroom,
        }),
        ofResources({
            name: "naming",
            description: "Hosts, pools and apps are named as the site names them.",
            level: "advisory",
            defaults: { hosts: "^[a-z][a-z0-9-]*$", pools: "^[a-z][a-z0-9-]*$", apps: "" },
            schema: { hosts: { type: "string" }, pools: { type: "string" }, apps: { type: "string" } },
            check: rules.checkNaming,
        }),
    ],
});
