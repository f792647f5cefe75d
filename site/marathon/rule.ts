/** A rule of an app's definition, and what it looks at. */
import type { JsonObject } from "../definitions/fields";
import type { Findings } from "../definitions/finding";
import type { App } from "./normalizeApp";
import type { MarathonFacts } from "./server";

/** What the rules look at. */
export interface Judged {
    /** As read from the declaration, old spellings included. */
    readonly read: JsonObject;
    /** Its normal form. */
    readonly app: App;
    readonly server: MarathonFacts;
}

export type Rule = (judged: Judged, findings: Findings) => void;
