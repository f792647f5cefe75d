/** A random value that is kept in the state, encrypted, until its generation is another one or the resource is deleted. */
import { randomInt } from "node:crypto";
import { renewal } from "../../site/change/secretChange";
import { differences, type Path, type Properties, UNKNOWN } from "../wire";
import type { ResourceType, State } from "./resource";

// Letters and digits only: the value stands in URLs, JSON, shell-like env files and ZooKeeper's user:password form.
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** Shortest length accepted: 24 characters of 62 are 142 bits. */
export const MIN_LENGTH = 24;

const GENERATIONS = ["generation", "ownGeneration"];

export function generate(length: number): string {
    return Array.from({ length }, () => ALPHABET[randomInt(ALPHABET.length)]).join("");
}

/** A number that is taken out of the stack file, or a first 1, changes nothing. */
const isOlder = (before: Properties, after: Properties, name: string): boolean =>
    after[name] !== undefined && after[name] !== (before[name] ?? 1);

function made({ length }: Properties, preview: boolean): Omit<State, "id"> {
    const value = preview ? UNKNOWN : generate(Number(length ?? MIN_LENGTH));
    return { outputs: { length: length ?? MIN_LENGTH, value }, secretOutputs: [["value"]] };
}

const ofLength = ([first]: Path): boolean => first === "length";

export const generatedSecret: ResourceType = {
    check({ length, ...more }) {
        const isCount = (value: unknown, least: number): boolean =>
            typeof value === "number" && Number.isInteger(value) && value >= least;
        return [
            ...(isCount(length, MIN_LENGTH)
                ? []
                : [{ property: "length", reason: `must be a whole number of at least ${MIN_LENGTH} characters` }]),
            ...GENERATIONS.filter((name) => more[name] !== undefined && !isCount(more[name], 1)).map((name) => ({
                property: name,
                reason: "must be a whole number of at least 1",
            })),
        ];
    },

    diff(before, after) {
        const changes = differences(before, after).filter(
            ({ path }) => ofLength(path) || isOlder(before, after, String(path[0])),
        );
        return { changes, replaces: changes.map(({ path }) => path).filter(ofLength) };
    },

    create: (inputs, preview, { name }) => Promise.resolve({ id: name, ...made(inputs, preview) }),

    // There is nothing outside the state to compare with.
    read: (id, inputs, outputs) => Promise.resolve({ id, inputs, outputs, secretOutputs: [["value"]] }),

    update(id, _before, inputs, preview, context) {
        context.log("info", `${context.name}: made anew; ${renewal(context.name)}`);
        return Promise.resolve({ id, ...made(inputs, preview) });
    },

    delete: () => Promise.resolve(),
};
