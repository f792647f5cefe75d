/** Texts of programs that run on hosts, in place of their marks: a plan is printed and compared without them. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { programMark } from "../../site/plan/files";
import type { HostSpec } from "../../site/plan/types";

/** Program text by name; a text is read when it is wanted. */
export type Programs = Readonly<Record<string, () => string>>;

const texts = new Map<string, string>();

/** A program as `build.mjs` makes it, beside this one's own bundle. */
export const bundled = (name: string) => (): string => {
    const known = texts.get(name) ?? readFileSync(join(__dirname, "host", `${name}.js`), "utf8");
    texts.set(name, known);
    return known;
};

/** A host's plan with the programs' texts in place of their marks. */
export function withPrograms(spec: HostSpec, programs: Programs): HostSpec {
    const byMark = new Map(Object.entries(programs).map(([name, text]) => [programMark(name), text]));
    const files = Object.entries(spec.files).map(([path, file]) => {
        const text = byMark.get(file.content);
        return [path, text === undefined ? file : { ...file, content: text() }] as const;
    });
    return { ...spec, files: Object.fromEntries(files) };
}
