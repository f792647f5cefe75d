/** The few settings of a group itself. Its apps, pods and subgroups are left alone: a group document never names them. */
import { isObject, type JsonObject, word } from "../../site/definitions/fields";
import { absoluteId } from "../../site/marathon";
import { differences, type Properties } from "../wire";
import type { MarathonDependencies, ServerInputs } from "./marathonDefinition";
import { isControlOnly } from "./marathonDefinition";
import { type CheckFailure, type ResourceType, UserError } from "./resource";

interface Inputs {
    readonly server: ServerInputs | undefined;
    readonly groupId: string;
    readonly settings: JsonObject;
}

function parse({ server, groupId, dependencies, enforceRole }: Properties): Inputs {
    return {
        server: isObject(server) ? (server as unknown as ServerInputs) : undefined,
        groupId: absoluteId(typeof groupId === "string" ? groupId : "/"),
        settings: {
            ...(Array.isArray(dependencies) && dependencies.length > 0 ? { dependencies } : {}),
            ...(typeof enforceRole === "boolean" ? { enforceRole } : {}),
        },
    };
}

export function marathonGroup(dependencies: MarathonDependencies): ResourceType {
    /** Ids of the apps and pods in a group, as far as the server answers. */
    async function inGroup(server: ServerInputs | undefined, groupId: string): Promise<string[]> {
        const { client } = dependencies.connect(server);
        if ((await client.info()) === undefined) return [];
        const below = (group: JsonObject): string[] => [
            ...["apps", "pods"].flatMap((key) =>
                Array.isArray(group[key]) ? group[key].filter(isObject).map(({ id }) => word(id)) : [],
            ),
            ...(Array.isArray(group["groups"]) ? group["groups"].filter(isObject).flatMap(below) : []),
        ];
        return below((await client.group(groupId)) ?? {});
    }

    return {
        async check(properties, _previous, context): Promise<CheckFailure[]> {
            const { groupId, settings, server } = parse(properties);
            const failures: CheckFailure[] = [];
            if (groupId === "/")
                failures.push({
                    property: "groupId",
                    reason: "the root group is nobody's: it has no settings, and it is never deleted",
                });
            if (settings["enforceRole"] === true && groupId.split("/").length > 2)
                failures.push({ property: "enforceRole", reason: "is for top-level groups only" });
            const { members } = properties;
            if (failures.length === 0 && Array.isArray(members)) {
                const declared = new Set<unknown>(members);
                const strangers = (await inGroup(server, groupId)).filter((id) => !declared.has(id));
                if (strangers.length > 0)
                    context.log("warning", `${groupId}: runs, but is not declared, and stays: ${strangers.join(", ")}`);
            }
            return failures;
        },

        diff(before, after) {
            const changes = differences(before, after).filter(
                ({ path }) => !isControlOnly(path[0]) && path[0] !== "members",
            );
            return { changes, replaces: changes.map(({ path }) => path).filter(([key]) => key === "groupId") };
        },

        async create(properties, preview, context) {
            const { server, groupId, settings } = parse(properties);
            const state = { id: groupId, outputs: { ...properties, groupId } };
            if (preview) return state;
            const { client, watch } = dependencies.connect(server);
            const accepted = await client.putGroup(groupId, settings, (line) =>
                context.log("info", `${groupId}: ${line}`),
            );
            await watch.waitGone(accepted.deploymentId, 60);
            return state;
        },

        async update(id, _before, properties, preview, context) {
            const { server, settings } = parse(properties);
            if (!preview) {
                const { client, watch } = dependencies.connect(server);
                const accepted = await client.putGroup(id, settings, (line) => context.log("info", `${id}: ${line}`));
                await watch.waitGone(accepted.deploymentId, 60);
            }
            return { id, outputs: { ...properties, groupId: id } };
        },

        async read(id, properties) {
            const { server, settings } = parse({ ...properties, groupId: id });
            const group = await dependencies.connect(server).client.group(id);
            if (group === undefined) return undefined;
            const { dependencies: needs, enforceRole } = group;
            const inputs = {
                ...properties,
                groupId: id,
                ...(Array.isArray(needs) && needs.length > 0 ? { dependencies: needs } : {}),
                // The server always says false; a declaration that says nothing means the same.
                ...(typeof enforceRole === "boolean" && (enforceRole || settings["enforceRole"] !== undefined)
                    ? { enforceRole }
                    : {}),
            };
            return { id, inputs, outputs: inputs };
        },

        async delete(id, properties, _outputs, context) {
            if (id === "/" || id === "")
                throw new UserError("the root group is never deleted: it would take every app with it");
            const { client, watch } = dependencies.connect(parse(properties).server);
            const group = await client.group(id);
            if (group === undefined) return;
            const members = ["apps", "pods", "groups"].flatMap((key) => (Array.isArray(group[key]) ? group[key] : []));
            if (members.length > 0) {
                const names = members.map((member) => (isObject(member) ? word(member["id"]) : "")).join(", ");
                context.log("warning", `${id}: stays, for it is not empty: ${names}`);
                return;
            }
            const accepted = await client.deleteGroup(id);
            await watch.waitGone(accepted?.deploymentId, 60);
        },
    };
}
