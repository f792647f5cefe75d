/** Agent pools: attributes, users, isolation, directories. */
import { formatPath } from "../issue";
import { expandRange } from "../ranges";
import type { PoolConfig } from "../schema";
import type { Checked, Report } from "./report";

const attributeName = /^[A-Za-z][A-Za-z0-9_./-]*$/;
const attributeValue = /^[A-Za-z0-9_./,+{}[\]=@ -]+$/;

function checkAttributes(path: string, attributes: PoolConfig["attributes"], report: Report): void {
    for (const [name, value] of Object.entries(attributes)) {
        const at = `${path}${formatPath(["x", name]).slice(1)}`;
        if (!attributeName.test(name))
            report.fault("ATTRIBUTE_NAME", at, "is no legal attribute name", {
                value: name,
                allowed: "a letter, then letters, digits, _ . / -; Mesos splits at ; and :",
            });
        if (!attributeValue.test(String(value)))
            report.fault("ATTRIBUTE_VALUE", at, "is no legal attribute value", {
                value,
                allowed: "letters, digits and _ . / , + { } [ ] = @ - and spaces; Mesos splits at ; and :",
            });
    }
}

function checkUsers(name: string, pool: PoolConfig, report: Report): void {
    const names = new Map<string, number>();
    const uids = new Map<number, string>();
    pool.users.forEach((user, index) => {
        const path = `${formatPath(["pools", name])}.users[${index}]`;
        if (!/^[a-z_][a-z0-9_-]{0,31}$/.test(user.name))
            report.fault("USER_NAME", `${path}.name`, "is no legal login name", {
                value: user.name,
                allowed: "lower-case letters, digits, _ and -, up to 32",
            });
        if (names.has(user.name))
            report.fault("USER_TWICE", `${path}.name`, "the user is declared twice", { value: user.name });
        names.set(user.name, index);
        if (user.uid === undefined) return;
        const other = uids.get(user.uid);
        if (other !== undefined && other !== user.name)
            report.fault(
                "UID_TWICE",
                `${path}.uid`,
                `${other} and ${user.name} have the same uid: each could read the other's files`,
                { value: user.uid },
            );
        uids.set(user.uid, user.name);
    });
}

/** A name has one uid on the whole site, or files that pools share change owner. */
function checkUidsAcrossPools({ site }: Checked, report: Report): void {
    const seen = new Map<string, { uid: number; pool: string }>();
    for (const [pool, { users }] of Object.entries(site.pools))
        users.forEach(({ name, uid }, index) => {
            if (uid === undefined) return;
            const other = seen.get(name);
            if (other && other.uid !== uid)
                report.fault(
                    "UID_DIFFERS",
                    `${formatPath(["pools", pool])}.users[${index}].uid`,
                    `${name} has another uid in the pool ${other.pool}`,
                    {
                        value: uid,
                        allowed: String(other.uid),
                    },
                );
            else seen.set(name, { uid, pool });
        });
}

function checkIsolation({ site }: Checked, name: string, pool: PoolConfig, report: Report): void {
    const path = formatPath(["pools", name]);
    const { flavour } = site.distribution;
    const v2 = Object.keys(pool.flags).some((flag) => flag.replace(/^--/, "") === "enable_cgroupsv2");
    if (v2 && flavour === "apache")
        report.fault(
            "CGROUPS_V2_APACHE",
            `${path}.flags.enable_cgroupsv2`,
            "Apache Mesos has no such flag; clusterd has",
            {
                fix: "set distribution.flavour: clusterd, or take the flag away",
            },
        );
    // https://github.com/m3scluster/clusterd/pull/2
    if (v2 && pool.containerizers.includes("mesos"))
        report.fault(
            "CGROUPS_V2_MESOS",
            `${path}.containerizers`,
            "with enable_cgroupsv2 the Mesos containerizer does not work",
            {
                value: pool.containerizers,
                allowed: "[docker]",
            },
        );
    if (flavour === "clusterd" && pool.flags["cgroups_limit_swap"] === true)
        report.fault("CGROUPS_SWAP", `${path}.flags.cgroups_limit_swap`, "swap cannot be limited on cgroup v2");
    if (
        pool.launcher === "posix" &&
        pool.isolation.some((item) => /^(cgroups|namespaces|filesystem\/linux)/.test(item))
    )
        report.fault("LAUNCHER_POSIX", `${path}.launcher`, "the posix launcher cannot serve these isolators", {
            value: pool.isolation,
            allowed: "launcher: linux, or posix/cpu, posix/mem, disk/du",
        });
    if (pool.isolation.includes("docker/runtime") && !pool.imageProviders.includes("docker"))
        report.fault("IMAGE_PROVIDER", `${path}.imageProviders`, "docker/runtime needs images of Docker", {
            value: pool.imageProviders,
            allowed: "[docker]",
        });
    if (pool.isolation.every((item) => !item.startsWith("cgroups/")) && pool.containerizers.includes("mesos"))
        report.warn("ISOLATION_NONE", `${path}.isolation`, "nothing holds a task to the CPUs and memory it asked for", {
            value: pool.isolation,
            allowed: "with cgroups/cpu and cgroups/mem",
        });
}

/** What a reboot or tmpfiles cleans is no place for state. */
function checkDirectory(path: string, directory: string, report: Report): void {
    if (/^\/(tmp|var\/tmp|run|dev\/shm)(\/|$)/.test(directory))
        report.fault("DIRECTORY_TEMPORARY", path, "is cleaned by the system: tasks and the registry would be lost", {
            value: directory,
            allowed: "a directory that stays, e.g. below /var/lib",
        });
}

function checkPet({ hosts }: Checked, name: string, pool: PoolConfig, report: Report): void {
    const members = pool.hosts.flatMap((text) => expandRange(text).items.map((item) => item.text));
    const pets = members.filter((member) => hosts.get(member)?.protect);
    if (pets.length > 0 && pets.length < members.length && Object.keys(pool.attributes).length === 0)
        report.warn(
            "PET_IN_HERD",
            `${formatPath(["pools", name])}.hosts`,
            `${pets.join(", ")} ${pets.length === 1 ? "is" : "are"} protected, but tasks cannot tell ${pets.length === 1 ? "it" : "them"} from the other hosts of the pool`,
            {
                value: pets,
                fix: "give the pets an attribute in `overrides`, or a pool of their own",
            },
        );
}

/** Checks `pools`, and directories of all services. */
export function checkPools(checked: Checked, report: Report): void {
    const { site } = checked;
    checkDirectory("zookeeper.dataDir", site.zookeeper.dataDir, report);
    checkDirectory("masters.workDir", site.masters.workDir, report);
    checkUidsAcrossPools(checked, report);
    for (const [name, pool] of Object.entries(site.pools)) {
        const path = formatPath(["pools", name]);
        if (!/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(name))
            report.fault("POOL_NAME", path, "is no legal pool name", {
                value: name,
                allowed: "lower-case letters, digits and dashes",
            });
        if (pool.hosts.length === 0) report.warn("POOL_EMPTY", `${path}.hosts`, "the pool has no host");
        checkDirectory(`${path}.dataDir`, pool.dataDir, report);
        if (pool.workDir !== undefined) checkDirectory(`${path}.workDir`, pool.workDir, report);
        checkAttributes(`${path}.attributes`, pool.attributes, report);
        for (const [host, { attributes = {} }] of Object.entries(pool.overrides))
            checkAttributes(`${formatPath(["pools", name, "overrides", host])}.attributes`, attributes, report);
        checkUsers(name, pool, report);
        checkIsolation(checked, name, pool, report);
        checkPet(checked, name, pool, report);
    }
}
