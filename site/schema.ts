/** The stack file's schema: config key `pulumi-mesos:site`. Editors get it as schema/site.schema.json. */
import * as z from "zod";
import { backupSchema } from "./schema/backup";
import { certificatesSchema } from "./schema/certificates";
import { distributionSchema, hostsSchema, sshSchema } from "./schema/hosts";
import { discoverySchema, loadBalancerSchema } from "./schema/discovery";
import { monitoringSchema } from "./schema/monitoring";
import { mastersSchema } from "./schema/masters";
import { openstackSchema } from "./schema/openstack";
import { poolSchema } from "./schema/pools";
import {
    folders,
    maintenanceSchema,
    marathonSchema,
    metronomeSchema,
    quotasSchema,
    reservationsSchema,
    weightsSchema,
} from "./schema/services";
import { secretsSchema } from "./schema/secrets";
import { text } from "./schema/values";
import { workloadsSchema } from "./schema/workloads";
import { zookeeperSchema } from "./schema/zookeeper";

const authenticationSchema = z
    .strictObject({
        frameworks: z.boolean().default(true).describe("Frameworks must authenticate."),
        agents: z.boolean().default(true).describe("Agents must authenticate."),
        http: z.boolean().default(true).describe("HTTP endpoints of masters and agents ask for a principal."),
        executors: z
            .boolean()
            .default(true)
            .describe("Executors get a token from their agent; task groups need it when `http` is on."),
    })
    .describe("Who must say who they are. Turning one off opens the cluster to everybody who reaches it.");

const frameworkSchema = z
    .strictObject({
        roles: z.array(z.string().min(1)).min(1).default(["*"]).describe("Roles that it may register under."),
        users: z
            .array(z.string().min(1))
            .min(1)
            .default(["nobody"])
            .describe("System users that its tasks may run as."),
        reserve: z
            .boolean()
            .default(true)
            .describe("It may reserve resources and make volumes in its roles, and give up its own."),
    })
    .describe("A framework's principal; its secret is generated.");

/** Everything that a site is. */
export const siteSchema = z
    .strictObject({
        cluster: z
            .string()
            .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, {
                error: "must be lower-case letters, digits and dashes, up to 63",
            })
            .describe("Name of the cluster, shown by Mesos."),
        confirm: text(
            "Repeats the cluster's name to allow a change that loses data; take it out again afterwards.",
        ).optional(),
        ssh: sshSchema.prefault({}).describe("How hosts are reached, unless a host says otherwise."),
        distribution: distributionSchema,
        domain: z
            .strictObject({ region: text("Region of the masters, and of every host without a `region`.") })
            .optional()
            .describe("Gives every master and agent a fault domain (region and zone). Default: none has one."),
        authentication: authenticationSchema.prefault({}),
        certificates: certificatesSchema.prefault({}),
        secrets: secretsSchema.optional(),
        openstack: openstackSchema
            .optional()
            .describe("What hosts of kind `openstack` are made of. Default: there are none."),
        hosts: hostsSchema,
        zookeeper: zookeeperSchema,
        masters: mastersSchema,
        pools: z.record(z.string(), poolSchema).default({}).describe("Agent pools by name."),
        frameworks: z.record(z.string(), frameworkSchema).default({}).describe("Frameworks by principal."),
        marathon: marathonSchema.optional(),
        metronome: metronomeSchema.optional(),
        loadBalancer: loadBalancerSchema.optional(),
        discovery: discoverySchema.optional(),
        workloads: workloadsSchema.prefault({}),
        apps: folders("Marathon's apps, pods and groups"),
        jobs: folders("Metronome's jobs"),
        quotas: quotasSchema,
        weights: weightsSchema,
        reservations: reservationsSchema,
        maintenance: maintenanceSchema,
        backup: backupSchema.optional(),
        monitoring: monitoringSchema.optional(),
    })
    .describe("A whole Apache Mesos site.");

/** A site as the stack file declares it, with defaults filled in. */
export type SiteConfig = z.output<typeof siteSchema>;
export type HostConfigEntry = SiteConfig["hosts"][string];
export type SshConfig = SiteConfig["ssh"];
export type PoolConfig = SiteConfig["pools"][string];
export type ResourcesConfig = PoolConfig["resources"];
