/** What is found about one definition of an app, pod, group, job or schedule. */

/** Words of the two stages in which Marathon judges a definition; Metronome knows only the second. */
export type ServerMessage = "Invalid JSON" | "Object is not valid";

/** What the real server answers to the fault; measured, see `tests/contract`. */
export interface ServerFault {
    readonly status: 422 | 500;
    readonly message: string;
    /** Where the server sees it, e.g. `/portDefinitions(0)/port`. */
    readonly path: string;
    readonly error: string;
    /** The server stops after the first stage that finds something: 0 types, 1 old spellings, 2 rules, 3 the app as a whole. */
    readonly stage: 0 | 1 | 2 | 3;
}

/** One fault or warning. */
export interface Finding {
    /** Stable, for tests and documents, e.g. "APP_KEY_UNKNOWN". */
    readonly code: string;
    /** "refused" stops everything before anything is sent; a "warning" is shown with the preview. */
    readonly severity: "refused" | "warning";
    /** As the servers write paths: `/container/portMappings(0)/containerPort`; "/" is the whole. */
    readonly path: string;
    /** What is wrong; lower case, no full stop. */
    readonly message: string;
    /** The bad value as JSON, unless it may be a secret. */
    readonly value?: string;
    readonly allowed?: string;
    readonly fix?: string;
    /** Only where the server would refuse it as well; without it, the server would take it silently. */
    readonly server?: ServerFault;
}

export interface FindingDetails {
    readonly value?: unknown;
    readonly allowed?: string;
    readonly fix?: string;
    /** The server's own words, where it refuses too. */
    readonly server?: Partial<ServerFault> & { readonly error: string };
}

/** A value for a message: never a page of text. */
function shown(value: unknown): string {
    const text = JSON.stringify(value);
    return text.length > 120 ? `${text.slice(0, 117)}...` : text;
}

/** Values under these names are never shown. */
const secretName = /secret|passw|token|credential|private|\bkey\b|apikey|api_key/i;

/** Collects findings. */
export class Findings {
    public readonly all: Finding[] = [];

    public refuse(code: string, path: string, message: string, details: FindingDetails = {}): void {
        this.add("refused", code, path, message, details);
    }

    public warn(code: string, path: string, message: string, details: Omit<FindingDetails, "server"> = {}): void {
        this.add("warning", code, path, message, details);
    }

    private add(
        severity: Finding["severity"],
        code: string,
        path: string,
        message: string,
        { value, allowed, fix, server }: FindingDetails,
    ): void {
        const hidden = value === undefined || secretName.test(path) || path.startsWith("/env/");
        this.all.push({
            code,
            severity,
            path: path === "" ? "/" : path,
            message,
            ...(hidden ? {} : { value: shown(value) }),
            ...(allowed === undefined ? {} : { allowed }),
            ...(fix === undefined ? {} : { fix }),
            ...(server === undefined
                ? {}
                : {
                      server: {
                          status: server.status ?? 422,
                          message: server.message ?? (server.stage === 0 ? "Invalid JSON" : "Object is not valid"),
                          path: server.path ?? (path === "" ? "/" : path),
                          error: server.error,
                          stage: server.stage ?? 2,
                      },
                  }),
        });
    }
}

/** Whether anything stands in the way. */
export function isRefused(findings: readonly Finding[]): boolean {
    return findings.some(({ severity }) => severity === "refused");
}

/** Prints findings for a terminal, one paragraph each; `of` names the definition, e.g. `app /shop/web`. */
export function formatFindings(findings: readonly Finding[], of: string): string {
    return findings
        .map(({ severity, code, path, message, value, allowed, fix }) =>
            [
                `${severity === "refused" ? "error" : "warning"} ${code} in ${of} at ${path}: ${message}`,
                ...(value === undefined ? [] : [`    value:   ${value}`]),
                ...(allowed === undefined ? [] : [`    allowed: ${allowed}`]),
                ...(fix === undefined ? [] : [`    fix:     ${fix}`]),
            ].join("\n"),
        )
        .join("\n");
}

/** An HTTP answer that refuses. */
export interface Refusal {
    readonly status: number;
    readonly body: { readonly message: string; readonly details?: { path: string; errors: string[] }[] };
}

/**
 * What the real server answers to a definition with these findings: it stops after the first stage that finds something.
 * @returns undefined when it takes the definition, whatever it then drops of it
 */
export function refusalOf(findings: readonly Finding[]): Refusal | undefined {
    const faults = findings.flatMap(({ server }) => server ?? []);
    if (faults.length === 0) return undefined;
    const stage = Math.min(...faults.map((fault) => fault.stage));
    const first = faults.filter((fault) => fault.stage === stage);
    const crash = first.find(({ status }) => status === 500);
    if (crash !== undefined) return { status: 500, body: { message: crash.error } };
    const details = new Map<string, string[]>();
    for (const { path, error } of first) details.set(path, [...(details.get(path) ?? []), error]);
    return {
        status: 422,
        body: {
            message: first[0]?.message ?? "Object is not valid",
            details: [...details].map(([path, errors]) => ({ path, errors: [...new Set(errors)] })),
        },
    };
}
