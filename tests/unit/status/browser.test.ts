/** The page in a real browser, where there is one (Debian: chromium-headless-shell): what it makes of it, with nothing from elsewhere. */
import { execFileSync } from "node:child_process";
import { accessSync, constants, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import type { SiteStatus } from "../../../status/model";
import { pageOf } from "../../../status/page";

function which(name: string): string | undefined {
    return (process.env["PATH"] ?? "")
        .split(delimiter)
        .map((dir) => join(dir, name))
        .find((file) => {
            try {
                accessSync(file, constants.X_OK);
                return true;
            } catch {
                return false;
            }
        });
}

const browser = ["chromium-headless-shell", "chromium", "google-chrome"].map(which).find((file) => file !== undefined);

const hosts = Array.from({ length: 30 }, (_, i) => ({
    name: `alibuild${i + 1}`,
    address: `10.1.2.${i + 1}`,
    protect: i === 2,
    services: [
        {
            what: "agent",
            pool: "build <b>",
            state: i === 4 ? ("down" as const) : ("active" as const),
            load: { cpus: { used: i, total: 32 }, memMiB: { used: 1024 * i, total: 65536 } },
        },
    ],
}));
const status: SiteStatus = {
    version: 1,
    stack: "prod",
    cluster: 'a"lice & <script>document.title="broken"</script>',
    at: "2026-11-26T12:00:00.000Z",
    zones: ["a", "b", "c"].map((name, zone) => ({ name, hosts: hosts.filter((_, i) => i % 3 === zone) })),
    load: { cpus: { used: 400, total: 960 }, memMiB: { used: 1e5, total: 2e6 } },
    tasks: { running: 7, staging: 1 },
    frameworks: 3,
    expiries: [{ what: "certificate of keystone", until: "2027-01-01T00:00:00.000Z", daysLeft: 36 }],
    backups: [{ part: "zookeeper", at: "2026-11-26T02:30:00.000Z", ageHours: 9.5 }],
    drift: ["zookeeper-bm3: another content"],
    problems: ["agent on alibuild5 is down"],
};

(browser === undefined ? test.skip : test)(
    "a browser shows every host, runs no script and asks nobody",
    () => {
        const dir = mkdtempSync(join(tmpdir(), "pulumi-mesos-page-"));
        try {
            const page = join(dir, "page.html");
            // What the page would load from elsewhere would fail here, and the browser's own parser says what it made of the rest.
            const strict =
                "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">";
            writeFileSync(page, pageOf(status).replace("<head>", `<head>\n${strict}`));
            const options = [
                "--no-sandbox",
                "--headless",
                "--disable-gpu",
                `--user-data-dir=${join(dir, "profile")}`,
                "--window-size=1400,1200",
            ];
            const dom = execFileSync(browser ?? "", [...options, "--dump-dom", `file://${page}`], {
                encoding: "utf8",
                stdio: ["ignore", "pipe", "ignore"],
                timeout: 60_000,
            });
            expect(dom.split('class="host"')).toHaveLength(31);
            expect(dom.split("<meter")).toHaveLength(30 * 2 + 2 + 1);
            expect(dom).toContain(
                '<title>a"lice &amp; &lt;script&gt;document.title="broken"&lt;/script&gt;: 1 problem</title>',
            );
            // A parser that had to mend something would have closed it elsewhere: the page is the same again.
            const bare = (text: string): string => text.replace(/\s+/g, "").replaceAll("&quot;", '"').toLowerCase();
            expect(bare(dom)).toBe(bare(pageOf(status).replace("<head>", `<head>\n${strict}`)));
            if (process.env["SCREENSHOT"] !== undefined)
                execFileSync(
                    browser ?? "",
                    [...options, `--screenshot=${process.env["SCREENSHOT"]}`, `file://${page}`],
                    { stdio: "ignore", timeout: 60_000 },
                );
        } finally {
            rmSync(dir, { recursive: true, force: true });
        }
    },
    120_000,
);
