/** Every fault of an app at once, and its normal form. */
import { isObject, type Json, type JsonObject, notKnownYet, readFields } from "../definitions/fields";
import { type Finding, Findings } from "../definitions/finding";
import { appDialect, appFields } from "./appFields";
import { checkAppRules } from "./appRules";
import { type App, normalApp } from "./normalizeApp";
import type { MarathonFacts } from "./server";

export interface CheckedApp {
    readonly findings: readonly Finding[];
    /** The normal form; only to be used when nothing is refused. */
    readonly app: App;
}

/** Whether any part is a value that is not known before `up`. */
export function hasUnknown(value: Json | undefined): boolean {
    if (value === notKnownYet) return true;
    return typeof value === "object" && value !== null && Object.values(value).some(hasUnknown);
}

/** Rules about a field whose value was refused already would only repeat it in other words. */
function isConsequence(finding: Finding, refused: ReadonlySet<string>): boolean {
    if (finding.code === "APP_COMMAND") return ["/cmd", "/args", "/container"].some((at) => startsAny(refused, at));
    if (finding.code === "APP_VOLUME_KIND") return startsAny(refused, finding.path);
    return finding.path !== "/" && refused.has(finding.path);
}

function startsAny(paths: ReadonlySet<string>, at: string): boolean {
    return [...paths].some((path) => path === at || path.startsWith(`${at}/`));
}

/**
 * Checks an app as the server would, and more: what the server would drop without a word or could never run is refused or named.
 * @param app as declared, with every template filled in
 * @param base group that a relative id is in
 */
export function inspectApp(app: unknown, server: MarathonFacts, base = "/"): CheckedApp {
    const shape = new Findings();
    const read: JsonObject = readFields(appFields, app, appDialect, shape);
    const normal = normalApp(read, server, base);
    const rules = new Findings();
    checkAppRules({ read, app: normal, server }, rules);
    const refused = new Set(shape.all.filter(({ severity }) => severity === "refused").map(({ path }) => path));
    const findings = [...shape.all, ...rules.all.filter((finding) => !isConsequence(finding, refused))].filter(
        ({ path }) => !isUnknownAt(app, path),
    );
    return { findings, app: normal };
}

/** Whether the value that a finding is about is not known yet. */
function isUnknownAt(app: unknown, path: string): boolean {
    const [first = ""] = path.slice(1).split(/[/(]/);
    return isObject(app) && first !== "" && app[first] === notKnownYet;
}

/** Every fault and warning of an app. */
export function checkApp(app: unknown, server: MarathonFacts, base = "/"): readonly Finding[] {
    return inspectApp(app, server, base).findings;
}
