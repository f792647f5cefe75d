/** The reports in docs/openstack.md name tests: a test that is renamed or taken away must not leave them unproven. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(__dirname, "..", "..", "..");
const text = (file: string): string => readFileSync(join(root, file), "utf8");

const guide = text("docs/openstack.md");
const files = new Map([...guide.matchAll(/\b([A-Z]):\s+`(tests\/[^`]+)`/g)].map(([, letter, file]) => [letter, file]));
const named = [...guide.matchAll(/\| ([A-Z]): (.+?) +\|$/gm)].map(
    ([, letter = "", title = ""]) => [letter, title] as const,
);

test("every report names a test", () => {
    const reports = guide.split("\n").filter((line) => line.startsWith("| [")).length;
    expect(reports).toBeGreaterThan(0);
    expect(named).toHaveLength(reports);
});

test.each(named)("%s: %s", (letter, title) => {
    expect(text(files.get(letter) ?? `no file ${letter}`)).toContain(`"${title}"`);
});
