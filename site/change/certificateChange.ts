/** When certificates of the site's own authority are made anew, and how one authority follows another. Pure: the time is told. */

const dayMs = 86_400_000;
const hourMs = 3_600_000;

/** Whole days until a time, rounded down; negative when it has passed. */
export const daysUntil = (until: string, now: number): number => Math.floor((Date.parse(until) - now) / dayMs);

/**
 * Whether a certificate is to be made anew: less than a third of its life is left, or more than it is to live at all (then it was
 * made when the stack file allowed more). A day more or less is a clock's fault.
 *
 * @param until its end, ISO 8601
 * @param now milliseconds since 1970
 * @param days its life as declared
 * @param limit end of the authority's own certificate, which none that it signs outlives
 */
export function isDue(until: string, now: number, days: number, limit?: string): boolean {
    const life = Math.min(days * dayMs, limit === undefined ? Infinity : Date.parse(limit) - now);
    const left = Date.parse(until) - now;
    return left < life / 3 || left > life + dayMs;
}

/**
 * Whether who trusts the one set of authorities trusts somebody whom the other trusts too.
 *
 * @param before PEM; undefined are the public ones
 * @param after likewise
 */
export function sharesAuthority(before: string | undefined, after: string | undefined): boolean {
    const each = (pem: string): string[] =>
        Array.from(pem.matchAll(/-BEGIN CERTIFICATE-+([^-]*)-/g), ([, text = ""]) => text.replace(/\s/g, ""));
    if (before === undefined || after === undefined) return before === after;
    const there = each(before);
    return each(after).some((one) => there.includes(one));
}

/** The part of an authority's state that its renewal depends on. Times are ISO 8601. */
export interface AuthorityState {
    /** End of the certificate that signs. */
    readonly notAfter: string;
    /** The `generation` that the newest of them was made for. */
    readonly generation: number;
    /** The one that will sign: trusted since then. */
    readonly next?: { readonly since: string };
    /** The one that signed before: not used since then, and still trusted. */
    readonly previous?: { readonly since: string };
}

/**
 * What comes next for an authority. A new one is first trusted (`prepare`), later it signs (`switch`), and later still the old one is
 * trusted no more (`drop`): at every moment everybody trusts whoever has signed what anybody shows.
 */
export type AuthorityStep = "keep" | "prepare" | "switch" | "drop";

/** @param wanted as declared: life in days, hours between two steps, and a number that asks for a new one when it changes */
export function authorityStep(
    state: AuthorityState,
    wanted: { readonly days: number; readonly overlapHours: number; readonly generation: number },
    now: number,
): AuthorityStep {
    const isOver = ({ since }: { since: string }): boolean => now - Date.parse(since) >= wanted.overlapHours * hourMs;
    if (state.next !== undefined) return isOver(state.next) ? "switch" : "keep";
    if (state.previous !== undefined) return isOver(state.previous) ? "drop" : "keep";
    return wanted.generation !== state.generation || isDue(state.notAfter, now, wanted.days) ? "prepare" : "keep";
}
