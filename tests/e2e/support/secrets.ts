/** Looking for secrets where they must not be, in every form in which they might stand there. */
import { exportState } from "./stack";

/** The three ways in which a text can stand in the middle of something in base64; the parts that its neighbours decide are cut. */
export function base64Forms(text: string): string[] {
    return [0, 1, 2].map((offset) => {
        const encoded = Buffer.from(`${"x".repeat(offset)}${text}`)
            .toString("base64")
            .replace(/=+$/, "");
        const start = Math.ceil((offset * 8) / 6);
        const end = Math.floor(((offset + text.length) * 8) / 6);
        return encoded.slice(start, end);
    });
}

/** Every secret of the stack, by name. */
export async function allSecrets(): Promise<Record<string, string>> {
    const { resources } = await exportState("--show-secrets");
    const generated = resources.filter(({ type }) => type === "mesos:index:GeneratedSecret");
    return Object.fromEntries(
        generated.map(({ urn, outputs }) => {
            const { plaintext } = outputs?.["value"] as { plaintext: string };
            return [urn.split("::").pop() ?? "", JSON.parse(plaintext) as string];
        }),
    );
}

/** All forms of all secrets, one a line: what `grep -F -f` takes. */
export function patterns(secrets: Readonly<Record<string, string>>): string {
    return Object.values(secrets)
        .flatMap((secret) => [secret, ...base64Forms(secret)])
        .join("\n");
}

/** Names of the secrets that stand in a text. */
export function secretsIn(text: string, secrets: Readonly<Record<string, string>>): string[] {
    return Object.entries(secrets)
        .filter(([, secret]) => [secret, ...base64Forms(secret)].some((form) => text.includes(form)))
        .map(([name]) => name);
}
