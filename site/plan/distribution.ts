/** Where Mesos comes from: packages, artifacts, paths and the pre-flight that follow from `distribution`. */
import type { SiteConfig } from "../schema";
import { file } from "./files";
import type { Artifact, ManagedFile, ManagedPackage } from "./types";

/** What `distribution` comes to on a host. */
export interface MesosInstall {
    readonly packages: readonly ManagedPackage[];
    readonly artifacts: readonly Artifact[];
    readonly files: Readonly<Record<string, ManagedFile>>;
    readonly binDir: string;
    readonly launcherDir: string;
    readonly os: Readonly<Record<string, readonly string[]>>;
}

/** What apt serves: tried on these. */
export const debianFamily: Readonly<Record<string, readonly string[]>> = { debian: ["12"], ubuntu: ["20.04", "22.04"] };
const redHatFamily: Readonly<Record<string, readonly string[]>> = {
    almalinux: ["8", "9"],
    rocky: ["8", "9"],
    rhel: ["7", "8", "9"],
    centos: ["7", "8", "9"],
};
/** Everything that Mesos is built for. */
export const everyFamily: Readonly<Record<string, readonly string[]>> = { ...debianFamily, ...redHatFamily };

/** Packages, files and paths of the Mesos programs. */
export function mesosInstall(distribution: SiteConfig["distribution"]): MesosInstall {
    const prefix = distribution.kind === "tarball" ? distribution.prefix : "/usr";
    const paths = {
        binDir: distribution.binDir ?? `${prefix}/sbin`,
        launcherDir: distribution.launcherDir ?? `${prefix}/libexec/mesos`,
    };
    const nothing = { packages: [], artifacts: [], files: {}, os: everyFamily, ...paths };
    switch (distribution.kind) {
        case "apt": {
            const { package: name, version, repository } = distribution;
            return {
                ...nothing,
                packages: [version === undefined ? { name } : { name, version }],
                files:
                    repository === undefined ? {} : { "/etc/apt/sources.list.d/mesos.list": file(`${repository}\n`) },
                os: debianFamily,
            };
        }
        case "package":
        case "tarball": {
            const { kind, source, sha256 } = distribution;
            return {
                ...nothing,
                artifacts: [kind === "tarball" ? { source, sha256, kind, prefix } : { source, sha256, kind }],
            };
        }
        case "installed":
            return nothing;
    }
}
