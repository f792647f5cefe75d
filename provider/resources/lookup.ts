/**
 * An image or a network of OpenStack, by id or by name. The id is recorded, and stays what it is until `generation` changes:
 * an image that is renamed, replaced or deleted replaces no host.
 */
import { nearest } from "../../site/nearest";
import type { CloudRef } from "../clients/cloudCredentials";
import type { Kind, OpenStack } from "../clients/openstack";
import { type Properties, UNKNOWN } from "../wire";
import { type Context, type ResourceType, type State, UserError } from "./resource";

interface Inputs {
    readonly kind: Kind;
    /** The stack file's own name for it. */
    readonly alias: string;
    readonly cloud: CloudRef;
    /** The id that the stack file gives. */
    readonly given?: string;
    readonly name?: string;
    readonly generation: number;
}

const parse = (properties: Properties): Inputs => properties as unknown as Inputs;

/** @throws UserError when there is not exactly one */
export async function findOne(openstack: OpenStack, kind: Kind, name: string): Promise<string> {
    const found = await openstack.list(kind, name);
    const [only] = found;
    if (only !== undefined && found.length === 1) {
        return only.id;
    }
    if (found.length > 1) {
        throw new UserError(
            `${found.length} ${kind}s are called "${name}": ${found.map(({ id }) => id).join(", ")}\n  fix: give the id of the right one`,
        );
    }
    const all = [...new Set((await openstack.list(kind)).map((item) => item.name))].sort();
    const near = nearest(name, all);
    const shown = all.length > 12 ? [...all.slice(0, 12), `and ${all.length - 12} more`] : all;
    throw new UserError(
        `no ${kind} is called "${name}"; there are ${shown.join(", ") || "none"}${near === undefined ? "" : `\n  fix: did you mean "${near}"?`}`,
    );
}

export function lookup(connect: (cloud: CloudRef) => OpenStack): ResourceType {
    const resolve = async (inputs: Inputs, preview: boolean, context: Context): Promise<string> => {
        const { given, name = "", kind, cloud, alias } = inputs;
        if (given !== undefined) {
            return given;
        }
        try {
            return await findOne(connect(cloud), kind, name);
        } catch (error) {
            const [line = ""] = (error as Error).message.split("\n");
            // A preview without a cloud goes on; one that finds none or several does not.
            if (preview && !/^(no|\d+) (image|network)s? (is|are) called/.test(line)) {
                context.log("info", `${kind} ${alias} ("${name}") is looked up at the update: ${line}`);
                return UNKNOWN;
            }
            throw new UserError(`${kind} ${alias}: ${(error as Error).message}`);
        }
    };
    const state = (inputs: Inputs, found: string): State => ({
        id: `${inputs.kind}/${inputs.alias}`,
        outputs: { kind: inputs.kind, alias: inputs.alias, generation: inputs.generation, found },
    });
    return {
        check(inputs, previous) {
            const now = parse(inputs);
            const before = previous && parse(previous);
            if (before === undefined || now.generation !== before.generation) {
                return [];
            }
            if (now.given === before.given && now.name === before.name) {
                return [];
            }
            const fix =
                now.kind === "image"
                    ? `to replace the hosts of this image, node by node, set its generation to ${before.generation + 1}`
                    : "a host cannot move to another network: declare it as a new one, for new hosts";
            return [
                {
                    property: "",
                    reason: `${now.kind} ${now.alias} is ${now.given ?? now.name ?? ""} now, was ${before.given ?? before.name ?? ""}, and the generation is still ${before.generation}: nothing was changed\n  fix: ${fix}`,
                },
            ];
        },
        diff(before, after) {
            const [old, now] = [parse(before), parse(after)];
            return {
                changes: old.generation === now.generation ? [] : [{ path: ["generation"], kind: "update" }],
            };
        },
        async create(inputs, preview, context) {
            const now = parse(inputs);
            return state(now, await resolve(now, preview, context));
        },
        read: (id, inputs, outputs) => Promise.resolve({ id, inputs, outputs }),
        async update(_id, _before, after, preview, context) {
            const now = parse(after);
            return state(now, await resolve(now, preview, context));
        },
        delete: () => Promise.resolve(),
    };
}
