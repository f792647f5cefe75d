/** Version and configuration never change in one run: when it goes wrong, nobody could tell which of them it was. */
import { issue } from "../issue";
import type { Artifact, HostSpec, Issue, ManagedPackage, ManagedUnit } from "../plan/types";

/** What of a service on a host is compared. */
export interface Versioned {
    readonly host: string;
    readonly rollout: Pick<HostSpec["rollout"], "tier">;
    readonly packages: readonly ManagedPackage[];
    readonly artifacts: readonly Pick<Artifact, "source" | "sha256">[];
    readonly files: Readonly<Record<string, { readonly content: unknown }>>;
    readonly units: Readonly<Record<string, Pick<ManagedUnit, "restartOn">>>;
}

/** Another version of what was there: something that is new, or was missing, is none. */
function newVersions(before: Versioned, after: Versioned): string[] {
    const packages = after.packages.flatMap(({ name, version }) => {
        const old = before.packages.find((one) => one.name === name)?.version;
        return old === undefined || version === undefined || old === version ? [] : [`${name} ${old} → ${version}`];
    });
    const artifacts =
        before.artifacts.length === 0
            ? []
            : after.artifacts
                  .filter(({ sha256 }) => !before.artifacts.some((old) => old.sha256 === sha256))
                  .map(({ source }) => source);
    return [...packages, ...artifacts];
}

/** Files that a unit reads at its start, with another text than before. What a preview does not know yet is no change. */
function changedFiles(before: Versioned, after: Versioned): string[] {
    const read = new Set(Object.values(after.units).flatMap(({ restartOn }) => restartOn));
    return Object.entries(after.files).flatMap(([path, { content }]) => {
        const old = before.files[path]?.content;
        return read.has(path) && typeof old === "string" && typeof content === "string" && old !== content
            ? [path]
            : [];
    });
}

/**
 * Refuses another version of a service's programs together with another configuration of it.
 * @param confirmed whether the stack file allows what is dangerous
 * @param unknown what stands for a text that a preview does not know
 */
export function checkVersionChange(before: Versioned, after: Versioned, confirmed: boolean, unknown: string): Issue[] {
    if (confirmed) return [];
    const versions = newVersions(before, after);
    const files = changedFiles(before, after).filter((path) => after.files[path]?.content !== unknown);
    if (versions.length === 0 || files.length === 0) return [];
    return [
        issue(
            "VERSION_MIXED",
            `${after.rollout.tier}, ${after.host}`,
            "another version and another configuration in one run",
            {
                value: { versions, files },
                allowed: "one of them",
                fix: "run up with the new version alone, then with the new configuration; to do both at once, confirm the cluster's name",
            },
        ),
    ];
}
