import { type AuthorityState, authorityStep, isDue, sharesAuthority } from "../../../site/change/certificateChange";

const now = Date.parse("2026-11-27T12:00:00Z");
const DAY = 86_400_000;
const inDays = (days: number): string => new Date(now + days * DAY).toISOString();

test.each<[string, number, number, number | undefined, boolean]>([
    ["a new one", 90, 90, undefined, false],
    ["a third and a day", 31, 90, undefined, false],
    ["less than a third", 29.9, 90, undefined, true],
    ["one that has ended", -1, 90, undefined, true],
    ["one of before the life was made longer", 90, 365, undefined, true],
    ["a little longer is no reason", 90, 120, undefined, false],
    ["one of before the life was made shorter", 90, 30, undefined, true],
    ["made by a machine whose clock is ahead", 90.9, 90, undefined, false],
    ["as long as its authority, which ends soon: another would end then too", 9, 90, 9, false],
    ["its authority lives on for a while", 9, 90, 60, true],
])("made anew or not: %s", (_, left, days, limit, expected) => {
    expect(isDue(inDays(left), now, days, limit === undefined ? undefined : inDays(limit))).toBe(expected);
});

const pem = (text: string): string => `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`;

test.each<[string | undefined, string | undefined, boolean]>([
    [pem("QQ=="), pem("QQ=="), true],
    [pem("QQ=="), pem("Qg==") + pem("Q\nQ=="), true],
    [pem("QQ=="), pem("Qg=="), false],
    [undefined, pem("Qg=="), false],
    [pem("Qg=="), undefined, false],
    [undefined, undefined, true],
])("authorities in common %#", (before, after, expected) => {
    expect(sharesAuthority(before, after)).toBe(expected);
});

const wanted = { days: 3650, overlapHours: 24, generation: 1 };
const state: AuthorityState = { notAfter: inDays(3000), generation: 1 };
const old: AuthorityState = { ...state, notAfter: inDays(1200) };

test.each<[string, AuthorityState, Partial<typeof wanted>, string]>([
    ["with much of its life left", state, {}, "keep"],
    ["with less than a third", old, {}, "prepare"],
    ["when another is asked for", state, { generation: 2 }, "prepare"],
    ["while the next one is new", { ...old, next: { since: inDays(-0.9) } }, {}, "keep"],
    ["when everybody has had time to trust the next one", { ...old, next: { since: inDays(-1) } }, {}, "switch"],
    ["at once, where that is wished", { ...old, next: { since: inDays(0) } }, { overlapHours: 0 }, "switch"],
    ["while the one before is needed", { ...state, previous: { since: inDays(-0.9) } }, {}, "keep"],
    ["when it is not any more", { ...state, previous: { since: inDays(-1.1) } }, {}, "drop"],
    [
        "never two at a time: what else is asked for waits",
        { ...state, previous: { since: inDays(-0.5) } },
        { generation: 2 },
        "keep",
    ],
])("an authority's next step %s", (_, present, changes, expected) => {
    expect(authorityStep(present, { ...wanted, ...changes }, now)).toBe(expected);
});
