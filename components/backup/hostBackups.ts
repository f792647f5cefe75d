import * as pulumi from "@pulumi/pulumi";
import copies from "../../rescue/host/mesos_copies.py";
import backup from "../../rescue/host/mesos_backup.py";
import stores from "../../rescue/host/mesos_stores.py";
import type { backupPrograms } from "../../site/plan/backup";
import type { HostSpec } from "../../site/plan/types";
import { withPrograms } from "../shared/programs";
import { type SiteContext, serviceHost } from "../shared/serviceHost";

const programs: Readonly<Record<(typeof backupPrograms)[number], () => string>> = {
    "mesos_backup.py": () => backup,
    "mesos_copies.py": () => copies,
    "mesos_stores.py": () => stores,
};

export interface HostBackupsArgs {
    readonly members: readonly HostSpec[];
    readonly site: SiteContext;
    /** What is backed up must be there first. */
    readonly after: readonly pulumi.Resource[];
}

/** A timer on every host of ZooKeeper and of the masters: the one that leads a part keeps it, elsewhere and sealed. */
export class HostBackups extends pulumi.ComponentResource {
    public constructor(
        name: string,
        { members, site, after }: HostBackupsArgs,
        opts?: pulumi.ComponentResourceOptions,
    ) {
        super("pulumi-mesos:backup:HostBackups", name, {}, opts);
        for (const spec of members)
            serviceHost("backup", withPrograms(spec, programs), site, { parent: this, dependsOn: after });
        this.registerOutputs({});
    }
}
