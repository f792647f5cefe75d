/** Groups: a tree of apps and pods, taken apart; and the few settings of a group itself. */
import {
    type Dialect,
    type Field,
    type Fields,
    isObject,
    type JsonObject,
    readFields,
    word,
} from "../definitions/fields";
import { type Finding, Findings } from "../definitions/finding";
import { checkApp } from "./checkApp";
import { objects } from "./normalizeApp";
import { pathId } from "./appFields";
import { absoluteId } from "./paths";
import { checkPod } from "./pod";
import type { MarathonFacts } from "./server";

export const groupDialect: Dialect = { code: "GROUP", unknownKeys: "dropped", words: "marathon" };

const any: Field = { type: "any" };
const members: Field = { type: "list", of: { type: "any" }, empty: "dropped" };

/** The fields of a group document. Its members are judged one by one. */
export const groupFields: Fields = {
    id: pathId,
    apps: members,
    pods: members,
    groups: members,
    dependencies: { type: "list", of: pathId, empty: "dropped" },
    enforceRole: { type: "boolean" },
    scaleBy: { type: "number", min: 0 },
    version: any,
};

/** What stays of a group when its members are taken out. */
export interface GroupSettings {
    readonly id: string;
    readonly dependencies?: readonly string[];
    readonly enforceRole?: boolean;
}

export interface FlatGroup {
    readonly groups: readonly GroupSettings[];
    readonly apps: readonly { readonly id: string; readonly definition: JsonObject; readonly at: string }[];
    readonly pods: readonly { readonly id: string; readonly definition: JsonObject; readonly at: string }[];
    readonly findings: readonly Finding[];
}

function checkSettings(read: JsonObject, given: JsonObject, id: string, at: string, findings: Findings): void {
    if (given["version"] !== undefined)
        findings.refuse("GROUP_VERSION", `${at}/version`, "makes it a rollback, which no other setting may accompany", {
            fix: "take it out: it comes from an answer of the server",
            server: { path: `${at}/version`, error: "not allowed in conjunction with other properties." },
        });
    if (read["scaleBy"] !== undefined)
        findings.refuse("GROUP_SCALE_BY", `${at}/scaleBy`, "is an order, not a setting", {
            fix: "set each app's instances",
        });
    if (read["enforceRole"] === true && id.split("/").length > 2)
        findings.refuse("GROUP_ENFORCE_ROLE", `${at}/enforceRole`, "is for top-level groups only", {
            server: { path: `${at}/enforceRole`, error: "enforceRole can only be set on top-level groups" },
        });
}

function takeApart(
    group: unknown,
    base: string,
    at: string,
    enforced: boolean,
    server: MarathonFacts,
    findings: Findings,
): Omit<FlatGroup, "findings"> {
    const shape = new Findings();
    const read = readFields(groupFields, group, groupDialect, shape);
    // Paths inside a subgroup begin with the subgroup's.
    for (const finding of shape.all) findings.all.push(moved(finding, at));
    const given = isObject(group) ? group : {};
    const id = absoluteId(typeof read["id"] === "string" ? read["id"] : "", base);
    if (base !== "/" && id !== base && !id.startsWith(`${base}/`))
        findings.refuse("GROUP_MEMBER", `${at}/id`, `is not inside ${base}`, {
            value: read["id"],
            server: { path: `${at}/id`, error: `Identifier is not child of '${base}'` },
        });
    checkSettings(read, given, id, at, findings);
    const isEnforced = enforced || read["enforceRole"] === true;
    const top = id.split("/")[1] ?? "";
    const facts =
        isEnforced && top !== "" ? { ...server, enforcedGroups: [...(server.enforcedGroups ?? []), top] } : server;
    const seen = new Map<string, string>();
    const claim = (member: string, where: string): void => {
        const other = seen.get(member);
        if (other !== undefined)
            findings.refuse("GROUP_DUPLICATE", where, `${member} is there twice: the server would keep one of them`, {
                fix: `see ${other}`,
            });
        seen.set(member, where);
    };
    const take = (kind: "apps" | "pods", check: typeof checkApp): FlatGroup["apps"] =>
        objects(read[kind]).map((definition, index) => {
            const where = `${at}/${kind}(${index})`;
            const memberId = absoluteId(typeof definition["id"] === "string" ? definition["id"] : "", id);
            if (id !== "/" && !memberId.startsWith(`${id}/`))
                findings.refuse("GROUP_MEMBER", `${where}/id`, `is not inside ${id}`, {
                    value: definition["id"],
                    server: { path: `${where}/id`, error: `Identifier is not child of '${id}'` },
                });
            claim(memberId, where);
            for (const finding of check(definition, facts, id)) findings.all.push(moved(finding, where));
            return { id: memberId, definition, at: where };
        });
    const apps = take("apps", checkApp);
    const pods = take("pods", checkPod);
    const below = objects(read["groups"]).map((sub, index) => {
        const where = `${at}/groups(${index})`;
        claim(absoluteId(typeof sub["id"] === "string" ? sub["id"] : "", id), where);
        return takeApart(sub, id, where, isEnforced, server, findings);
    });
    const dependencies = Array.isArray(read["dependencies"])
        ? read["dependencies"].map((other) => absoluteId(word(other), base))
        : [];
    const own: GroupSettings = {
        id,
        ...(dependencies.length === 0 ? {} : { dependencies }),
        ...(typeof read["enforceRole"] === "boolean" ? { enforceRole: read["enforceRole"] } : {}),
    };
    return {
        groups: [own, ...below.flatMap((sub) => sub.groups)],
        apps: [...apps, ...below.flatMap((sub) => sub.apps)],
        pods: [...pods, ...below.flatMap((sub) => sub.pods)],
    };
}

function moved(finding: Finding, at: string): Finding {
    const to = (path: string): string => (path === "/" ? at || "/" : `${at}${path}`);
    return {
        ...finding,
        path: to(finding.path),
        ...(finding.server === undefined
            ? {}
            : {
                  server: {
                      ...finding.server,
                      path: finding.server.path === "/" ? "/" : `${at}${finding.server.path}`,
                  },
              }),
    };
}

/** Takes a group document apart: the settings of each group, and every app and pod with its absolute id. */
export function flattenGroup(group: unknown, server: MarathonFacts, base = "/"): FlatGroup {
    const findings = new Findings();
    const flat = takeApart(group, base, "", false, server, findings);
    const all = [...flat.apps, ...flat.pods];
    for (const cycle of cyclesOf(
        all.map(({ id, definition }) => ({ id, dependencies: dependenciesOf(definition, id) })),
    ))
        findings.refuse("GROUP_CYCLE", "/", `the apps wait for each other: ${cycle.join(" → ")}`, {
            server: { error: "Dependency graph has cyclic dependencies." },
        });
    const empty =
        all.length === 0 && flat.groups.every(({ dependencies, enforceRole }) => !dependencies && !enforceRole);
    if (empty) findings.warn("GROUP_EMPTY", "/", "holds no app and no pod");
    return { ...flat, findings: findings.all };
}

/** Absolute ids of what an app depends on. */
export function dependenciesOf(definition: JsonObject, id: string): string[] {
    const parent = id.slice(0, id.lastIndexOf("/")) || "/";
    return Array.isArray(definition["dependencies"])
        ? definition["dependencies"].map((other) => absoluteId(word(other), parent))
        : [];
}

/** One list of ids for each cycle found, the first id repeated at the end. */
export function cyclesOf(
    nodes: readonly { readonly id: string; readonly dependencies: readonly string[] }[],
): string[][] {
    const edges = new Map(nodes.map(({ id, dependencies }) => [id, dependencies]));
    const done = new Set<string>();
    const cycles: string[][] = [];
    const visit = (id: string, trail: readonly string[]): void => {
        const start = trail.indexOf(id);
        if (start >= 0) {
            cycles.push([...trail.slice(start), id]);
            return;
        }
        if (done.has(id)) return;
        for (const next of edges.get(id) ?? []) if (edges.has(next)) visit(next, [...trail, id]);
        done.add(id);
    };
    for (const { id } of nodes) visit(id, []);
    return cycles;
}

/** Every fault and warning of a group and of all that is in it. */
export function checkGroup(group: unknown, server: MarathonFacts, base = "/"): readonly Finding[] {
    return flattenGroup(group, server, base).findings;
}
