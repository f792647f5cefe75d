/** Comments of pull requests on GitHub and of merge requests on GitLab, through their REST APIs. */

/** The server's answer was no, or there was none. */
export class RequestFailed extends Error {
    public constructor(
        message: string,
        public readonly status: number,
    ) {
        super(message);
    }
}

interface Comment {
    readonly id: number;
    readonly body: string;
}

/** Where comments of one request are. */
export interface Place {
    /** One page of comments, oldest first; page 1 is the first. An empty one is the last. */
    list(page: number): Promise<readonly Comment[]>;
    create(body: string): Promise<void>;
    edit(id: number, body: string): Promise<void>;
}

/** Seconds that a server may take, and how often it is asked when it has trouble of its own. */
const timeoutSec = 30;
const attempts = 3;
/** Pages of a hundred comments. */
const mostPages = 50;

export interface Connection {
    readonly url: string;
    readonly headers: Readonly<Record<string, string>>;
    /** Pause before another attempt, milliseconds. @default 2000 */
    readonly pauseMs?: number;
}

async function once({ url, headers }: Connection, method: string, path: string, body?: object): Promise<unknown> {
    let answer: Response;
    try {
        answer = await fetch(`${url.replace(/\/$/, "")}${path}`, {
            method,
            headers: { ...headers, ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
            ...(body === undefined ? {} : { body: JSON.stringify(body) }),
            signal: AbortSignal.timeout(timeoutSec * 1000),
        });
    } catch (error) {
        const { cause, message } = error as Error & { cause?: { code?: string } };
        throw new RequestFailed(`${method} ${url}${path}: ${cause?.code ?? message}`, 0);
    }
    const text = await answer.text();
    // Headers are never shown: the token is one of them.
    if (!answer.ok)
        throw new RequestFailed(`${method} ${url}${path}: HTTP ${answer.status} ${text.slice(0, 300)}`, answer.status);
    return text === "" ? undefined : JSON.parse(text);
}

async function ask(connection: Connection, method: string, path: string, body?: object): Promise<unknown> {
    for (let attempt = 1; ; attempt++)
        try {
            return await once(connection, method, path, body);
        } catch (error) {
            const status = error instanceof RequestFailed ? error.status : 0;
            // A comment that may have been made is not made again.
            const isSafe = method !== "POST" || status === 429;
            const isPassing = status === 0 || status === 429 || status >= 500;
            if (attempt === attempts || !isPassing || !isSafe) throw error;
            await new Promise((resolve) => setTimeout(resolve, attempt * (connection.pauseMs ?? 2000)));
        }
}

const comments = (answer: unknown): Comment[] =>
    Array.isArray(answer)
        ? (answer as { id: number; body: string | null }[]).map(({ id, body }) => ({ id, body: body ?? "" }))
        : [];

/** https://docs.github.com/rest/issues/comments */
export function github(options: {
    url: string;
    repository: string;
    pull: string;
    token: string;
    pauseMs?: number;
}): Place {
    const { url, repository, pull, token, pauseMs } = options;
    const connection: Connection = {
        url,
        headers: {
            Accept: "application/vnd.github+json",
            Authorization: `Bearer ${token}`,
            "X-GitHub-Api-Version": "2022-11-28",
        },
        ...(pauseMs === undefined ? {} : { pauseMs }),
    };
    const base = `/repos/${repository}/issues`;
    return {
        list: async (page) =>
            comments(await ask(connection, "GET", `${base}/${pull}/comments?per_page=100&page=${page}`)),
        create: async (body) => {
            await ask(connection, "POST", `${base}/${pull}/comments`, { body });
        },
        edit: async (id, body) => {
            await ask(connection, "PATCH", `${base}/comments/${id}`, { body });
        },
    };
}

/** https://docs.gitlab.com/api/notes */
export function gitlab(options: {
    url: string;
    project: string;
    request: string;
    token: string;
    pauseMs?: number;
}): Place {
    const { url, project, request, token, pauseMs } = options;
    const connection: Connection = {
        url,
        headers: { "PRIVATE-TOKEN": token },
        ...(pauseMs === undefined ? {} : { pauseMs }),
    };
    const base = `/projects/${encodeURIComponent(project)}/merge_requests/${request}/notes`;
    return {
        list: async (page) =>
            comments(await ask(connection, "GET", `${base}?sort=asc&order_by=created_at&per_page=100&page=${page}`)),
        create: async (body) => {
            await ask(connection, "POST", base, { body });
        },
        edit: async (id, body) => {
            await ask(connection, "PUT", `${base}/${id}`, { body });
        },
    };
}

/** The text with at most `maxBytes` bytes of UTF-8; what is cut off is said. */
export function cut(text: string, maxBytes: number): string {
    if (Buffer.byteLength(text) <= maxBytes) return text;
    const end = "\n\n_Cut off: too long for a comment._\n";
    const lines: string[] = [];
    let left = maxBytes - Buffer.byteLength(end);
    for (const line of text.split("\n")) {
        left -= Buffer.byteLength(line) + 1;
        if (left < 0) break;
        lines.push(line);
    }
    return `${lines.join("\n")}${end}`;
}

/**
 * Edits the comment that begins with the mark, or makes it.
 *
 * @returns "edited" or "made"
 * @throws {RequestFailed} when the server does not take it
 */
export async function putComment(place: Place, mark: string, body: string): Promise<"edited" | "made"> {
    for (let page = 1; page <= mostPages; page++) {
        const found = await place.list(page);
        if (found.length === 0) break;
        for (const { id } of found.filter((comment) => comment.body.startsWith(mark)))
            try {
                await place.edit(id, body);
                return "edited";
            } catch (error) {
                // Somebody else's, who has copied the page.
                if (!(error instanceof RequestFailed) || ![403, 404].includes(error.status)) throw error;
            }
    }
    await place.create(body);
    return "made";
}
