/** A key and its certificate, signed by the site's own authority: made anew in good time before its end, and never without need. */
import { daysUntil, isDue } from "../../site/change/certificateChange";
import { endOf, type KeyPair, makeCertificate } from "../clients/x509";
import { differences, type Difference, type Properties, UNKNOWN } from "../wire";
import type { ResourceType, State } from "./resource";

interface Inputs {
    /** Who signs; not known yet in a preview that makes or changes it. */
    readonly authority: KeyPair;
    readonly organisation: string;
    readonly names: readonly string[];
    readonly days: number;
}

const inputsOf = (properties: Properties): Inputs => properties as unknown as Inputs;
const endIn = ({ notAfter }: Properties): string => notAfter as string;
const secretOutputs = [["key"]];
const unseen: Properties = { certificate: UNKNOWN, key: UNKNOWN, notAfter: UNKNOWN };

/** Life is looked at by itself; the key follows the certificate. */
const isReason = ({ path: [first, second] }: Difference): boolean => first !== "days" && second !== "key";

/** @param now milliseconds since 1970 */
export function certificate(now: () => number = Date.now): ResourceType {
    /** Whether its time has come. */
    function ends({ authority, days }: Inputs, outputs: Properties): boolean {
        const limit = authority.certificate === UNKNOWN ? undefined : endOf(authority.certificate);
        return isDue(endIn(outputs), now(), days, limit);
    }

    async function outputsOf(properties: Properties, name: string): Promise<Properties> {
        const { authority, ...wanted } = inputsOf(properties);
        const pair = await makeCertificate({ ...wanted, name }, authority, now());
        return { ...pair, notAfter: endOf(pair.certificate) };
    }

    return {
        check: ({ names, days }) => [
            ...(Array.isArray(names) && names.length > 0
                ? []
                : [{ property: "names", reason: "a certificate must name who shows it" }]),
            ...(Number.isInteger(days) && Number(days) > 0
                ? []
                : [{ property: "days", reason: "must be a whole number of at least 1" }]),
        ],

        diff(before, after, { outputs = {} }) {
            const changes = differences(before, after).filter(isReason);
            return { changes: changes.length > 0 || !ends(inputsOf(after), outputs) ? changes : [due] };
        },

        async create(properties, preview, { name }): Promise<State> {
            return { id: name, outputs: preview ? unseen : await outputsOf(properties, name), secretOutputs };
        },

        // There is nothing outside the state to compare with.
        read: (id, inputs, outputs) => Promise.resolve({ id, inputs, outputs, secretOutputs }),

        async update(id, before, properties, preview, context): Promise<State> {
            const [old, wanted] = [inputsOf(before), inputsOf(properties)];
            const why =
                old.authority.certificate !== wanted.authority.certificate
                    ? "another authority signs"
                    : differences(before, properties).some(isReason)
                      ? "it names others"
                      : `${daysUntil(endIn(context.outputs ?? {}), now())} days are left, ${wanted.days} is its life`;
            context.log("info", `a new key and certificate: ${why}`);
            return { id, outputs: preview ? unseen : await outputsOf(properties, context.name), secretOutputs };
        },

        delete: () => Promise.resolve(),
    };
}

const due: Difference = { path: ["notAfter"], kind: "update" };
