/** A random value that is made once and then kept in the state, encrypted, until the resource is deleted. */
import { randomInt } from "node:crypto";
import { UNKNOWN } from "../wire";
import { differences } from "../wire";
import type { ResourceType } from "./resource";

// Letters and digits only: the value stands in URLs, JSON, shell-like env files and ZooKeeper's user:password form.
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** Shortest length accepted: 24 characters of 62 are 142 bits. */
export const MIN_LENGTH = 24;

export function generate(length: number): string {
    return Array.from({ length }, () => ALPHABET[randomInt(ALPHABET.length)]).join("");
}

export const generatedSecret: ResourceType = {
    check: ({ length }) =>
        typeof length === "number" && Number.isInteger(length) && length >= MIN_LENGTH
            ? []
            : [{ property: "length", reason: `must be a whole number of at least ${MIN_LENGTH} characters` }],

    diff(before, after) {
        const changes = differences(before, after);
        return { changes, replaces: changes.map(({ path }) => path) };
    },

    create: ({ length }, preview, { name }) =>
        Promise.resolve({
            id: name,
            outputs: { length: length ?? MIN_LENGTH, value: preview ? UNKNOWN : generate(Number(length)) },
            secretOutputs: [["value"]],
        }),

    // There is nothing outside the state to compare with.
    read: (id, inputs, outputs) => Promise.resolve({ id, inputs, outputs, secretOutputs: [["value"]] }),

    update: (id, _before, _after, _preview, { name }) =>
        Promise.reject(new Error(`${name} (${id}) is replaced, never updated`)),

    delete: () => Promise.resolve(),
};
