/** Which build is meant, and the job that runs it: the declared one, or a copy of it with other options. Pure. */
import { isSecretName, releaseFields } from "../frameworks/builds/declaration";
import { z } from "zod";
import type { JsonObject } from "../site/definitions/fields";
import { formatPath } from "../site/issue";
import { nearest } from "../site/nearest";
import { buildDefinitions, buildOf, jobOf } from "../site/plan/builds";
import type { SitePlan } from "../site/plan/types";
import type { SiteConfig } from "../site/schema";

/** What may be other than declared. */
export interface Options {
    /** Of the recipes: a branch, a tag or a commit. */
    readonly ref?: string | undefined;
    readonly defaults?: string | undefined;
    readonly packages?: readonly string[] | undefined;
    /** Beside what is declared, or in its place. */
    readonly environment?: Readonly<Record<string, string>> | undefined;
}

export interface Chosen {
    /** Metronome's. */
    readonly job: string;
    /** What the store calls it. */
    readonly build: string;
    /** A job that is there for this run alone; undefined: the declared one runs. */
    readonly definition?: JsonObject;
}

/** Everything that is wrong with what is asked for. */
export class BadChoice extends Error {
    public override readonly name = "BadChoice";

    public constructor(public readonly faults: readonly string[]) {
        super(faults.join("\n"));
    }
}

const optionsSchema = z.object({
    ref: releaseFields.recipes.shape.ref,
    defaults: releaseFields.defaults,
    packages: releaseFields.packages.optional(),
    environment: releaseFields.environment.superRefine((value, context) => {
        for (const name of Object.keys(value).filter(isSecretName))
            context.addIssue({
                code: "custom",
                path: [name],
                message: "looks like a secret, and this is no place for one",
            });
    }),
});

/** A run with other options has a name of its own: what it publishes is not the release's latest. */
export const ownName = (release: string): string => `${release}.now`;

function builderOf(name: string, release: string, builders: readonly string[]): string {
    const given = name.slice(release.length + 1);
    const [only = "", ...more] = builders;
    if (given === "" && more.length === 0) return only;
    if (builders.includes(given)) return given;
    const known = builders.map((one) => buildOf(release, one)).join(", ");
    const why = given === "" ? "has several builds" : `has no builder "${given}"`;
    throw new BadChoice([`${release} ${why}: say which, one of ${known}`]);
}

/**
 * @param name `RELEASE`, where it has one builder, or `RELEASE.BUILDER`
 * @throws {BadChoice} with every fault
 */
export function chosen(
    site: SiteConfig,
    plan: Pick<SitePlan, "pools" | "schedulers">,
    name: string,
    options: Options,
): Chosen {
    const { builds } = site.workloads;
    if (builds === undefined)
        throw new BadChoice([`the site builds nothing: ${formatPath(["workloads", "builds"])} is not there`]);
    const releases = Object.keys(builds.releases);
    // Names of releases may have dots in them: the longest one that fits is meant.
    const [release] = releases
        .filter((one) => name === one || name.startsWith(`${one}.`))
        .sort((a, b) => b.length - a.length);
    const work = release === undefined ? undefined : builds.releases[release];
    if (release === undefined || work === undefined) {
        const near = nearest(name.split(".")[0] ?? "", releases);
        throw new BadChoice([
            `there is no release "${name}"${near === undefined ? "" : `: is ${near} meant?`} Declared are ${releases.join(", ") || "none"}`,
        ]);
    }
    const builder = builderOf(name, release, work.builders);
    const asked = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
    if (Object.keys(asked).length === 0) return { job: jobOf(release, builder), build: buildOf(release, builder) };
    const checked = optionsSchema.partial().safeParse(asked);
    if (!checked.success)
        throw new BadChoice(checked.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`));
    const { ref, environment = {}, ...rest } = checked.data;
    const changed = {
        ...work,
        ...rest,
        builders: [builder],
        recipes: { ...work.recipes, ...(ref === undefined ? {} : { ref }) },
        environment: { ...work.environment, ...environment },
    };
    delete changed.schedule;
    const own = ownName(release);
    const alone = { ...site, workloads: { ...site.workloads, builds: { ...builds, releases: { [own]: changed } } } };
    const definition = buildDefinitions(alone as SiteConfig, plan).find(({ kind }) => kind === "job")?.definition;
    return { job: jobOf(own, builder), build: buildOf(own, builder), ...(definition && { definition }) };
}
