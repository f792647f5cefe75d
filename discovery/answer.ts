/** From a question to its answer: what a DNS server of one domain says. Pure. */
import type { Answer, DecodedPacket, Packet } from "dns-packet";
import { AUTHORITATIVE_ANSWER } from "dns-packet";
import type { Names, NameSettings } from "./names";

const NAME_ERROR = 3;
const NOT_IMPLEMENTED = 4;
const REFUSED = 5;
const RECURSION_DESIRED = 0x100;

/** Longest answer by UDP without the asker's word for more; bytes. */
export const UDP_BYTES = 512;

interface Verdict {
    readonly answers: readonly Answer[];
    readonly additionals?: readonly Answer[];
    readonly code: number;
}

/** Each answer begins at another address: clients take the first. */
function turned<T>(list: readonly T[], by: number): T[] {
    const at = list.length === 0 ? 0 : by % list.length;
    return [...list.slice(at), ...list.slice(0, at)];
}

function verdict(
    type: string,
    asked: string,
    names: Names,
    { domain, ttlSec: ttl }: NameSettings,
    turn: number,
): Verdict {
    const name = asked.toLowerCase().replace(/\.$/, "");
    if (name !== domain && !name.endsWith(`.${domain}`)) return { answers: [], code: REFUSED };
    const addresses = names.addresses.get(name);
    const places = names.places.get(name);
    if (addresses === undefined && places === undefined)
        return { answers: [], code: names.between.has(name) ? 0 : NAME_ERROR };
    const a = (of: string, list: readonly string[]): Answer[] =>
        list.map((data) => ({ type: "A", name: of, ttl, data }));
    if (places !== undefined && (type === "SRV" || type === "ANY")) {
        const answers = turned(places, turn).map(({ target, port }): Answer => ({
            type: "SRV",
            name: asked,
            ttl,
            data: { target, port, priority: 0, weight: 0 },
        }));
        const targets = [...new Set(places.map(({ target }) => target))];
        return {
            answers,
            additionals: targets.flatMap((target) => a(target, names.addresses.get(target) ?? [])),
            code: 0,
        };
    }
    if (addresses !== undefined && (type === "A" || type === "ANY"))
        return { answers: a(asked, turned(addresses, turn)), code: 0 };
    return { answers: [], code: 0 };
}

/** @returns what to send; undefined for what is no question */
export function answerTo(
    question: DecodedPacket,
    names: Names,
    settings: NameSettings,
    turn: number,
): Packet | undefined {
    if (question.type === "response") return undefined;
    const [asked, ...more] = question.questions ?? [];
    const { answers, additionals, code } =
        asked === undefined || more.length > 0 || (question as { readonly opcode?: string }).opcode !== "QUERY"
            ? { answers: [], additionals: undefined, code: NOT_IMPLEMENTED }
            : verdict(asked.type, asked.name, names, settings, turn);
    // An empty answer is forgotten as soon as a full one: without this record it might be kept for hours.
    const soa: Answer = {
        type: "SOA",
        name: settings.domain,
        ttl: settings.ttlSec,
        data: {
            mname: `ns.${settings.domain}`,
            rname: `root.${settings.domain}`,
            serial: 1,
            refresh: 60,
            retry: 60,
            expire: 86_400,
            minimum: settings.ttlSec,
        },
    };
    return {
        type: "response",
        ...(question.id === undefined ? {} : { id: question.id }),
        flags: AUTHORITATIVE_ANSWER | ((question.flags ?? 0) & RECURSION_DESIRED) | code,
        questions: question.questions ?? [],
        answers: [...answers],
        authorities: answers.length === 0 && (code === 0 || code === NAME_ERROR) ? [soa] : [],
        additionals: [...(additionals ?? [])],
    };
}
