/** `ssh`, `distribution` and `hosts`: the machines, how to reach them, and where Mesos comes from. */
import * as z from "zod";
import { openstackHostFields } from "./openstack";
import { absolutePath, text } from "./values";

export const sshSchema = z
    .strictObject({
        user: text("Login on the hosts: root, or a user with passwordless sudo. Default: `root`.").optional(),
        port: z.int().min(1).max(65535).optional().describe("Port of sshd. Default: 22."),
        privateKeyFile: text(
            "Private key, on the machine that runs Pulumi; `~` is its home. Default: whatever `ssh` itself finds.",
        ).optional(),
        knownHostsFile: text(
            "Known host keys, on the machine that runs Pulumi; host keys are always checked. Default: ssh's own files.",
        ).optional(),
        proxyJump: text("Bastion, `[user@]host[:port]`. Default: none.").optional(),
        bastion: text(
            "Host of this site that the others are reached through; `none` for a host that is reached straight. Default: none.",
        ).optional(),
    })
    .describe("How hosts are reached.");

const launcherDir = absolutePath(
    "Directory of mesos-containerizer, mesos-fetcher and the executors. Default: `/usr/libexec/mesos`, for a tarball `<prefix>/libexec/mesos`.",
).optional();
const binDir = absolutePath(
    "Directory of mesos-master and mesos-agent. Default: `/usr/sbin`, for a tarball `<prefix>/sbin`.",
).optional();
const flavour = z
    .enum(["apache", "clusterd"])
    .default("apache")
    .describe(
        "`apache`: Apache Mesos, which up to 1.11 knows cgroup v1 only; `clusterd`: the maintained fork, which needs cgroup v2. Decides what the pre-flight asks of agents' hosts.",
    );
const sha256 = z
    .string()
    .regex(/^[0-9a-f]{64}$/, { error: "must be 64 lower-case hexadecimal digits" })
    .describe("SHA-256 of the file; anything else is not installed.");
const source = text("Where the file is: `http(s)://…` as the host sees it, or an absolute path here.");

export const distributionSchema = z
    .discriminatedUnion("kind", [
        z.strictObject({
            kind: z.literal("apt").describe("A package from an apt repository."),
            repository: text(
                "Line of sources.list, e.g. `deb [trusted=yes] http://repo.example.org ./`. Default: none, the host knows the repository.",
            ).optional(),
            package: z.string().min(1).default("mesos").describe("Name of the package."),
            version: text(
                "Exact version. Default: whatever is installed, or the newest when nothing is.",
            ).optional(),
            launcherDir,
            binDir,
            flavour,
        }),
        z.strictObject({
            kind: z.literal("package").describe("One .deb or .rpm file."),
            source,
            sha256,
            launcherDir,
            binDir,
            flavour,
        }),
        z.strictObject({
            kind: z.literal("tarball").describe("A built tree, unpacked under a prefix."),
            source,
            sha256,
            prefix: absolutePath("Where the tree is unpacked.").default("/opt/mesos"),
            launcherDir,
            binDir,
            flavour,
        }),
        z.strictObject({
            kind: z.literal("installed").describe("Mesos is on the hosts already; nothing is installed."),
            launcherDir,
            binDir,
            flavour,
        }),
    ])
    .describe("Where Mesos comes from.");

const hostFields = {
    address: text(
        "Address that the other hosts and this machine reach; a range has one for each host: `10.1.2.[101-120]`. Never 127.* or 0.0.0.0: it is what ZooKeeper and Mesos tell each other.",
    ),
    zone: z
        .union([
            z.string().min(1),
            z.array(z.string().min(1)).min(1),
            z.record(
                z.string().regex(/^\d+$/, { error: "must be a number: the first host that the list is for" }),
                z.array(z.string().min(1)).min(1),
            ),
        ])
        .default("default")
        .describe(
            "Failure zone (for OpenStack: the failure domain). A list is dealt out by the number in the host's name, so a host keeps its zone whoever comes or goes. A list never changes for hosts that exist: another one for new hosts is written with the number that it begins at, `{ 1: [a, b], 13: [a, b, c] }`.",
        ),
    region: text("Region of the fault domain, where it differs from `domain.region`.").optional(),
    protect: z
        .union([z.boolean(), z.array(z.string().min(1))])
        .default(false)
        .describe(
            "Pets: what stands here is kept by `pulumi destroy` and by removal from this file. `true`, or the names of those hosts of the range.",
        ),
    ssh: sshSchema.optional().describe("Differences from the site's `ssh`."),
};

export const hostSchema = z
    .discriminatedUnion("kind", [
        z.strictObject({
            kind: z.literal("bareMetal").describe("A registered machine: adopted and released, never wiped."),
            ...hostFields,
        }),
        z.strictObject({
            kind: z.literal("openstack").describe("A virtual machine that is made and deleted."),
            ...hostFields,
            ...openstackHostFields,
        }),
    ])
    .describe("A host, or all hosts of a range.");

export const hostsSchema = z
    .record(z.string(), hostSchema)
    .default({})
    .describe("Every host by name or range (`alibuild[01-20]`, `bm[1-3,5]`), zero-padded like its first number. Default: there are none, for a stack of apps, jobs and quotas alone.");
