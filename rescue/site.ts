/** What of a site can be backed up, where it lies, and how to reach it. Pure but for reading the stack file. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { formatIssues, planSite, type SitePlan } from "../site";
import { loadStack } from "../site/load";
import { type PartSettings, registryPart, s3Secrets, statePaths, zookeeperPart } from "../site/plan/backup";
import type { Connection, HostSpec } from "../site/plan/types";
import type { SiteConfig } from "../site/schema";
import type { Engine } from "./engine";
import { BackupError, type HostPart } from "./manifest";
import type { S3Access } from "./s3Store";

/** A host that holds a part, and what `mesos_rescue.py` must know there. */
export interface Member {
    readonly host: string;
    readonly connection: Connection;
    readonly settings: PartSettings;
}

export interface RescueSite {
    readonly stack: string;
    readonly file: string;
    readonly site: SiteConfig;
    readonly plan: SitePlan;
    readonly members: Readonly<Record<HostPart, readonly Member[]>>;
    /** Nodes of ZooKeeper without which a framework of the site has lost its id. */
    readonly paths: readonly string[];
}

const titles: Readonly<Record<HostPart, string>> = { zookeeper: "ZooKeeper", registry: "the masters' registry" };
export const titleOf = (part: HostPart): string => titles[part];

/** Members of both kinds. */
export function membersOf(site: SiteConfig, plan: SitePlan): RescueSite["members"] {
    const of = (specs: readonly HostSpec[], settings: (spec: HostSpec) => PartSettings): Member[] =>
        specs.map((spec) => ({ host: spec.host, connection: spec.connection, settings: settings(spec) }));
    const address = new Map(plan.masters.endpoints.map((one) => [one.name, one.address]));
    const paths = statePaths(plan.schedulers, plan.workloads);
    return {
        zookeeper: of(plan.zookeeper.members, () => zookeeperPart(site, paths)),
        registry: of(plan.masters.members, ({ host }) => registryPart(site, address.get(host) ?? "")),
    };
}

/** @throws BackupError with every fault of the stack file */
export function readSite(root: string, stack: string): RescueSite {
    const file = join(root, `Pulumi.${stack}.yaml`);
    if (!existsSync(file)) throw new BackupError(`there is no stack file ${file}`);
    const loaded = loadStack(file);
    const result = loaded.issues.length > 0 ? { issues: loaded.issues } : planSite(loaded.config);
    if ("issues" in result)
        throw new BackupError(`the stack file has faults; nothing was done\n${formatIssues(result.issues)}`);
    const { site, plan } = result;
    return {
        stack,
        file,
        site,
        plan,
        members: membersOf(site, plan),
        paths: statePaths(plan.schedulers, plan.workloads),
    };
}

/** @throws BackupError when the stack file declares none */
export function declaredBackup({ site, file }: RescueSite): NonNullable<SiteConfig["backup"]> {
    if (site.backup === undefined)
        throw new BackupError(
            `${file} declares no backup\n  fix: age-keygen -o KEYFILE, keep that file safe, and put its public key here:\n    backup: { recipients: ["age1…"] }`,
        );
    return site.backup;
}

/**
 * How the S3-compatible store is reached. The key is in the stack's configuration, which a disaster leaves where the stack file is.
 *
 * @throws BackupError with everything that is missing
 */
export async function s3Access(site: RescueSite, engine: Engine): Promise<S3Access> {
    const s3 = declaredBackup(site).s3;
    const accessKey = await engine.given(s3Secrets.accessKey);
    const secretKey = await engine.given(s3Secrets.secretKey);
    if (s3 !== undefined && accessKey !== undefined && secretKey !== undefined) return { ...s3, accessKey, secretKey };
    const faults = [
        ...(s3 === undefined ? [`${site.file} has no backup.s3: { endpoint: https://HOST }`] : []),
        ...(await engine.missing(Object.values(s3Secrets))),
    ];
    throw new BackupError(`it is not said how to reach the S3 store\n  ${faults.join("\n  ")}`);
}
