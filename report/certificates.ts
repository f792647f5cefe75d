/** Certificates of the site's own authority: until when they are good, and what a preview does to them, in the provider's own words. */
import type { Step } from "./steps";

export interface CertificateGroup {
    readonly names: readonly string[];
    readonly changes: boolean;
    readonly text: string;
}

export const authorityType = "mesos:index:CertificateAuthority";
const types: readonly string[] = ["mesos:index:Certificate", authorityType];

export const isCertificate = ({ type }: Pick<Step, "type">): boolean => types.includes(type);

function textOf({ change, before, said }: Step): string {
    const end = before?.outputs?.["notAfter"];
    const until = typeof end === "string" ? end.slice(0, 10) : "an unknown day";
    switch (change) {
        case "create":
            return "is new";
        case "delete":
            return "goes";
        case "same":
            return `good until ${until}`;
        default:
            return `${said.length === 0 ? "changes" : said.join("; ")} (the one of now is good until ${until})`;
    }
}

/** What changes first; those that are alike are one. */
export function certificateGroups(steps: readonly Step[]): CertificateGroup[] {
    const groups = new Map<string, { names: string[]; changes: boolean; text: string }>();
    for (const step of steps.filter(isCertificate)) {
        const text = textOf(step);
        const group = groups.get(text) ?? { names: [], changes: step.change !== "same", text };
        group.names.push(step.name);
        groups.set(text, group);
    }
    return [...groups.values()].sort((a, b) => Number(b.changes) - Number(a.changes));
}
