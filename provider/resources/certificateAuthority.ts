/**
 * The site's own authority: made once, its key kept in the state, encrypted. It is renewed in three runs, see {@link authorityStep}:
 * a new one is trusted beside the old one, then signs in its place, then the old one is trusted no more.
 */
import { type AuthorityState, authorityStep, type AuthorityStep, daysUntil } from "../../site/change/certificateChange";
import { endOf, type KeyPair, makeAuthority } from "../clients/x509";
import { type Properties, UNKNOWN } from "../wire";
import type { ResourceType, State } from "./resource";

interface Inputs {
    readonly organisation: string;
    readonly days: number;
    readonly overlapHours: number;
    readonly generation: number;
}

interface Authority extends AuthorityState, KeyPair {
    /** How many there have been: part of the certificate's name, for two must never have the same. */
    readonly number: number;
    readonly next?: KeyPair & { readonly since: string };
    readonly previous?: { readonly certificate: string; readonly since: string };
}

const secretOutputs = [["key"], ["next", "key"]];
const inputsOf = (properties: Properties): Inputs => properties as unknown as Inputs;
const authorityOf = (outputs: Properties): Authority => outputs as unknown as Authority;

/** Certificates of all that are trusted, the one that signs first. */
const trustedOf = ({ certificate, next, previous }: Authority): string =>
    [certificate, next?.certificate ?? "", previous?.certificate ?? ""].join("");

const made = ({ organisation, days }: Inputs, number: number, now: number): Promise<KeyPair> =>
    makeAuthority({ organisation, name: `Site CA ${number}`, days }, now);

async function stepped(step: AuthorityStep, state: Authority, inputs: Inputs, now: number): Promise<Authority> {
    const { number, certificate, key, notAfter, generation, next, previous } = state;
    const since = new Date(now).toISOString();
    const own = { number, certificate, key, notAfter, generation };
    if (step === "prepare")
        return {
            ...own,
            number: number + 1,
            generation: inputs.generation,
            next: { ...(await made(inputs, number + 1, now)), since },
        };
    if (step === "switch" && next !== undefined)
        return {
            number,
            generation,
            certificate: next.certificate,
            key: next.key,
            notAfter: endOf(next.certificate),
            previous: { certificate, since },
        };
    if (step === "drop") return own;
    return { ...own, ...(next && { next }), ...(previous && { previous }) };
}

function outputsOf(authority: Authority, inputs: Inputs): Properties {
    const { organisation, days, overlapHours } = inputs;
    const trusted = trustedOf(authority);
    return { organisation, days, overlapHours, ...authority, trusted } as unknown as Properties;
}

/** What a step does, for the preview. */
function textOf(step: AuthorityStep, { notAfter, generation }: Authority, inputs: Inputs, now: number): string {
    const { overlapHours } = inputs;
    const why =
        generation === inputs.generation
            ? `${daysUntil(notAfter, now)} of its ${inputs.days} days are left`
            : `generation ${inputs.generation}`;
    const texts: Readonly<Record<AuthorityStep, string>> = {
        keep: "stays as it is",
        prepare: `a new authority is made (${why}) and trusted beside the old one, which signs on; the first up after ${overlapHours} h lets it sign`,
        switch: `the new authority signs from now on, and every certificate is made anew; both are trusted, and the first up after ${overlapHours} h ends that`,
        drop: "the old authority is trusted no more",
    };
    return texts[step];
}

/** What a preview cannot know of a step's result. */
function foretold(step: AuthorityStep, state: Authority, inputs: Inputs): Properties {
    const known = outputsOf(state, inputs);
    if (step === "keep") return known;
    const unknown = { trusted: UNKNOWN, ...(step === "switch" && { certificate: UNKNOWN, key: UNKNOWN }) };
    return { ...known, ...unknown };
}

/** @param now milliseconds since 1970 */
export function certificateAuthority(now: () => number = Date.now): ResourceType {
    const stepOf = (inputs: Inputs, state: Authority): AuthorityStep => authorityStep(state, inputs, now());

    return {
        check: (inputs) =>
            (["days", "overlapHours", "generation"] as const).flatMap((property) =>
                Number.isInteger(inputs[property]) && Number(inputs[property]) >= (property === "days" ? 1 : 0)
                    ? []
                    : [{ property, reason: "must be a whole number" }],
            ),

        diff(_before, after, { outputs = {} }) {
            const step = stepOf(inputsOf(after), authorityOf(outputs));
            return { changes: step === "keep" ? [] : [{ path: ["trusted"], kind: "update" }] };
        },

        async create(properties, preview, { name }): Promise<State> {
            const inputs = inputsOf(properties);
            if (preview)
                return {
                    id: name,
                    outputs: { ...properties, certificate: UNKNOWN, key: UNKNOWN, trusted: UNKNOWN, notAfter: UNKNOWN },
                    secretOutputs,
                };
            const pair = await made(inputs, 1, now());
            const { generation } = inputs;
            const authority = { number: 1, ...pair, notAfter: endOf(pair.certificate), generation };
            return { id: name, outputs: outputsOf(authority, inputs), secretOutputs };
        },

        // There is nothing outside the state to compare with.
        read: (id, inputs, outputs) => Promise.resolve({ id, inputs, outputs, secretOutputs }),

        async update(id, _before, properties, preview, context): Promise<State> {
            const inputs = inputsOf(properties);
            const state = authorityOf(context.outputs ?? {});
            const step = stepOf(inputs, state);
            context.log("info", textOf(step, state, inputs, now()));
            const after = preview
                ? foretold(step, state, inputs)
                : outputsOf(await stepped(step, state, inputs, now()), inputs);
            return { id, outputs: after, secretOutputs };
        },

        delete: () => Promise.resolve(),
    };
}
