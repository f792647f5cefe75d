/** `openstack`: clouds, networks, failure domains, images and keys that hosts of kind `openstack` refer to by name. */
import * as z from "zod";
import { text } from "./values";

export const uuidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const uuid = (about: string) =>
    z
        .string()
        .regex(uuidPattern, { error: "must be a UUID" })
        .describe(about);

const cidr = (about: string) =>
    z
        .string()
        .regex(/^\d{1,3}(\.\d{1,3}){3}\/\d{1,2}$/, { error: "must be a network such as 10.1.2.0/24" })
        .describe(about);

const projectSchema = z
    .strictObject({
        cloud: text("Name of the cloud in clouds.yaml, which has the credentials. Default: `OS_CLOUD`.").optional(),
        authUrl: text(
            "Keystone's address, in place of `cloud`; the credentials come from `OS_*` in the environment. Default: `OS_AUTH_URL`.",
        ).optional(),
        tenant: text("Project by OpenStack's own name. Default: the credentials'.").optional(),
        region: text("Region. Default: the credentials'.").optional(),
    })
    .describe("A project in a region. No credential stands here, and none gets into the state.");

const routerSchema = z
    .strictObject({ external: text("External network that it leads to: its id, or its name, found once.") })
    .describe("A router out of this network.");

const networkSchema = z
    .strictObject({
        project: text("Project that a network is made in. Default: the only one.").optional(),
        id: uuid("Id of a network that exists. Default: it is made, or found by `name`.").optional(),
        name: text("Name of a network that exists: found once, its id is recorded. Default: it is made.").optional(),
        subnet: uuid("Subnet that hosts' addresses are of. Default: the one that holds the address.").optional(),
        cidr: cidr("Addresses. Needed where the network is made; else only checked. Default: none.").optional(),
        gateway: text("Gateway's address. Default: the first of `cidr`.").optional(),
        dns: z.array(z.string().min(1)).default([]).describe("Name servers that hosts are told."),
        router: routerSchema.optional().describe("Default: none."),
    })
    .describe("A network: one that exists (`id` or `name`), or one that is made.");

const failureDomainSchema = z
    .strictObject({
        zone: text("Nova's availability zone. Default: the failure domain's name.").optional(),
        volumeZone: text(
            "Cinder's availability zone, needed where hosts have data volumes: a volume of another zone cannot be attached. Default: none.",
        ).optional(),
        network: text("Network of its hosts. Default: the only one.").optional(),
        subnet: uuid("Subnet of its hosts. Default: the network's.").optional(),
    })
    .describe("What fails together: compute zone, volume zone and network are one choice.");

const imageSchema = z
    .strictObject({
        project: text("Project that a `name` is looked up in. Default: the only one, or the hosts'.").optional(),
        id: uuid("Id of the image.").optional(),
        name: text("Name of the image: found once, its id is recorded.").optional(),
        generation: z
            .int()
            .min(1)
            .default(1)
            .describe(
                "Raise it to take what `id` or `name` say now: hosts are then replaced, node by node. Nothing else replaces a host for its image's sake.",
            ),
    })
    .describe("An image. The id that was found stays recorded until `generation` changes.");

const keyPairSchema = z
    .strictObject({
        publicKey: text("Public key; the key pair is made. Default: none.").optional(),
        publicKeyFile: text(
            "File with the public key, on the machine that runs Pulumi; the key pair is made. Default: the key pair exists.",
        ).optional(),
    })
    .describe("A key pair for the first login.");

/** Server groups' policies, as Nova calls them. */
export const serverGroupPolicy = z.enum(["none", "soft-anti-affinity", "anti-affinity", "soft-affinity", "affinity"]);

const securitySchema = z
    .strictObject({
        manage: z
            .boolean()
            .default(true)
            .describe(
                "Make a security group for each tier, with rules for what the site declares. `false`: ports have `groups` and nothing else.",
            ),
        admins: z
            .array(cidr("Network."))
            .default([])
            .describe("Networks that may use SSH and the operator API: the machine that runs Pulumi must be in one."),
        clients: z
            .array(cidr("Network."))
            .default([])
            .describe("Networks that may use ZooKeeper, the masters and tasks' ports: frameworks outside of the site."),
        groups: z
            .array(uuid("Id."))
            .default([])
            .describe("Further security groups of every port, by id. The project's default group is on no port."),
    })
    .describe("Who reaches the machines' ports.");

export const openstackSchema = z
    .strictObject({
        projects: z.record(z.string(), projectSchema).describe("Projects by the names that this file uses."),
        networks: z.record(z.string(), networkSchema).describe("Networks by the names that this file uses."),
        failureDomains: z.record(z.string(), failureDomainSchema).describe("Failure domains: hosts' zones."),
        images: z.record(z.string(), imageSchema).describe("Images by the names that this file uses."),
        keyPairs: z.record(z.string(), keyPairSchema).describe("Key pairs by their names in OpenStack."),
        serverGroups: z
            .record(z.string(), serverGroupPolicy)
            .default({})
            .describe(
                "How Nova places hosts of one tier, by the pool's name, or `quorum` for masters and ZooKeeper. Default: `soft-anti-affinity` for `quorum`, `none` for pools.",
            ),
        security: securitySchema.prefault({}),
    })
    .describe("What hosts of kind `openstack` are made of.");

/** Fields of a host of kind `openstack`, next to those of every host. */
export const openstackHostFields = {
    project: text("Project. Default: the only one.").optional(),
    flavor: text("Flavor's name, e.g. `hep2.24`. Another one replaces the host."),
    image: text("Image. Default: the only one.").optional(),
    keyPair: text("Key pair for the first login. Default: the only one.").optional(),
    bootVolume: z
        .strictObject({
            sizeGiB: z.int().min(1).describe("Size; GiB."),
            type: text("Cinder's volume type. Default: the project's.").optional(),
        })
        .optional()
        .describe("Boots from a volume that is made of the image and goes with the host. Default: the flavor's disk."),
    dataVolume: z
        .strictObject({
            sizeGiB: z.int().min(1).describe("Size; GiB."),
            type: text("Cinder's volume type. Default: the project's.").optional(),
            mount: z
                .string()
                .regex(/^\/[a-zA-Z0-9._/-]+$/, { error: "must be an absolute path of letters, digits, . _ -" })
                .default("/data")
                .describe("Where it is mounted; formatted only when it is blank."),
            filesystem: z.enum(["ext4", "xfs"]).default("ext4").describe("Made on a blank volume."),
        })
        .optional()
        .describe("A volume that is kept when the host is replaced or leaves. Default: none."),
    extraNetworks: z
        .array(
            z.strictObject({
                network: text("Network."),
                address: text("Address there; a range has one for each host. Default: OpenStack chooses.").optional(),
            }),
        )
        .default([])
        .describe("Further networks, attached to the running host: one more replaces nothing."),
    floatingIp: z
        .strictObject({ pool: text("External network by name.") })
        .optional()
        .describe("An address from outside, by which the host is reached for SSH. Default: none."),
};
