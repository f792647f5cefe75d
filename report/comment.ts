/**
 * `npm run comment`: puts a page into the pull or merge request that this pipeline runs for, as one comment for each stack that is
 * edited in place. Exit status 0: it stands there; 2: wrong usage; 3: the server does not take it.
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { cut, github, gitlab, type Place, putComment, RequestFailed } from "./forge";
import { commentMark, defaultMaxBytes } from "./markdown";

const usage = `usage: npm run -s comment -- -s STACK --markdown FILE [--pull NUMBER]

On GitHub it needs GITHUB_TOKEN (pull-requests: write), GITHUB_REPOSITORY and the event that the workflow runs for.
On GitLab it needs GITLAB_TOKEN (a project's token with the scope api), CI_API_V4_URL, CI_PROJECT_ID and CI_MERGE_REQUEST_IID.
`;

class UsageError extends Error {}

function need(env: NodeJS.ProcessEnv, name: string): string {
    const value = env[name];
    if (value === undefined || value === "") throw new UsageError(`${name} is not set`);
    return value;
}

function pullOfEvent(env: NodeJS.ProcessEnv): string {
    const event = JSON.parse(readFileSync(need(env, "GITHUB_EVENT_PATH"), "utf8")) as {
        pull_request?: { number?: number };
    };
    const number = event.pull_request?.number;
    if (number === undefined)
        throw new UsageError("the workflow does not run for a pull request; say which: --pull NUMBER");
    return String(number);
}

export function placeOf(env: NodeJS.ProcessEnv, pull: string | undefined): Place {
    if (env["CI_API_V4_URL"] !== undefined && env["GITHUB_ACTIONS"] === undefined)
        return gitlab({
            url: env["CI_API_V4_URL"],
            project: need(env, "CI_PROJECT_ID"),
            request: pull ?? need(env, "CI_MERGE_REQUEST_IID"),
            token: need(env, "GITLAB_TOKEN"),
        });
    return github({
        url: env["GITHUB_API_URL"] ?? "https://api.github.com",
        repository: need(env, "GITHUB_REPOSITORY"),
        pull: pull ?? pullOfEvent(env),
        token: need(env, "GITHUB_TOKEN"),
    });
}

async function run(argv: readonly string[]): Promise<void> {
    const { values } = parseArgs({
        args: [...argv],
        options: {
            stack: { type: "string", short: "s" },
            markdown: { type: "string" },
            pull: { type: "string" },
            help: { type: "boolean", short: "h", default: false },
        },
    });
    if (values.help) {
        process.stdout.write(usage);
        return;
    }
    if (values.stack === undefined || values.markdown === undefined)
        throw new UsageError("give -s STACK and --markdown FILE");
    if (values.pull !== undefined && !/^\d+$/.test(values.pull))
        throw new UsageError(`--pull is "${values.pull}": a number is allowed`);
    const mark = commentMark(values.stack);
    const page = readFileSync(values.markdown === "-" ? 0 : values.markdown, "utf8");
    const body = page.startsWith(mark) ? page : `${mark}\n${page}`;
    process.stdout.write(`${await putComment(placeOf(process.env, values.pull), mark, cut(body, defaultMaxBytes))}\n`);
}

run(process.argv.slice(2)).catch((error: unknown) => {
    const isUsage =
        error instanceof UsageError ||
        (error instanceof TypeError && "code" in error && !(error instanceof RequestFailed));
    process.stderr.write(isUsage ? `${error.message}\n\n${usage}` : `error: ${(error as Error).message}\n`);
    process.exitCode = isUsage ? 2 : 3;
});
