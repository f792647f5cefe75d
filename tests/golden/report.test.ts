/**
 * Pages made from recorded previews of the real engine (tests/engine/report.test.ts writes them with `RECORD=1`). Read the diff as
 * a reviewer would, then `npx jest --selectProjects golden -u`.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { parseEvents } from "../../report/events";
import { markdownOf } from "../../report/markdown";
import { type Report, reportOf } from "../../report/model";
import { readPreview } from "../../report/steps";

const reportFrom = (name: string): Report => {
    const log = gunzipSync(readFileSync(join(__dirname, "report", `${name}.events.gz`))).toString("utf8");
    return reportOf(readPreview(parseEvents(log)));
};

test.each(["first", "none", "change", "blind", "unreachable", "fault"])("the page of preview %s", (name) => {
    expect(markdownOf(reportFrom(name))).toMatchSnapshot();
});

test("the same as JSON", () => {
    expect(reportFrom("change")).toMatchSnapshot();
});

test.each([1000, 1500, 2500, 4000])("a page of at most %i bytes", (most) => {
    const page = markdownOf(reportFrom("change"), most);
    expect(Buffer.byteLength(page)).toBeLessThanOrEqual(most);
    // What matters most is what is left.
    expect(page).toContain("7 dangers");
    expect(page).toMatch(/_Too long for one page; not or not wholly shown: [A-Z]/);
    const count = (mark: string): number => page.split(mark).length - 1;
    expect(count("<details>")).toBe(count("</details>"));
    expect(count("```") % 2).toBe(0);
});
