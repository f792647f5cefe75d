/** An application credential of a real user, as sites give one to a pipeline in place of a password. */
import { readFileSync, writeFileSync } from "node:fs";
import { parse, stringify } from "yaml";
import { CLOUDS_FILE } from "./stack";

interface Cloud {
    readonly region_name: string;
    readonly auth: Readonly<Record<string, string>>;
}

async function keystone(
    cloud: Cloud,
    path: string,
    body: unknown,
    token?: string,
): Promise<{ token: string; answer: unknown }> {
    const answer = await fetch(`${cloud.auth["auth_url"] ?? ""}${path}`, {
        method: "POST",
        headers: {
            "Content-Type": "application/json",
            ...(token === undefined ? {} : { "X-Auth-Token": token }),
        },
        body: JSON.stringify(body),
    });
    if (!answer.ok) {
        throw new Error(`Keystone ${path}: ${answer.status} ${await answer.text()}`);
    }
    return { token: answer.headers.get("x-subject-token") ?? "", answer: await answer.json() };
}

/**
 * Writes a clouds.yaml whose only cloud has an application credential of another cloud's user.
 * @param path The file
 * @param name The cloud's name there
 * @param from The cloud of the lab's clouds.yaml
 */
export async function writeApplicationCredential(path: string, name: string, from: string): Promise<void> {
    const { clouds } = parse(readFileSync(CLOUDS_FILE, "utf8")) as { clouds: Record<string, Cloud> };
    const cloud = clouds[from];
    if (cloud === undefined) {
        throw new Error(`${CLOUDS_FILE} has no cloud ${from}`);
    }
    const { username, password, project_name: project } = cloud.auth;
    const domain = { name: "Default" };
    const login = await keystone(cloud, "/auth/tokens", {
        auth: {
            identity: { methods: ["password"], password: { user: { name: username, domain, password } } },
            scope: { project: { name: project, domain } },
        },
    });
    const user = (login.answer as { token: { user: { id: string } } }).token.user.id;
    const made = await keystone(
        cloud,
        `/users/${user}/application_credentials`,
        { application_credential: { name: `${name}-${Date.now()}` } },
        login.token,
    );
    const { id, secret } = (made.answer as { application_credential: { id: string; secret: string } })
        .application_credential;
    const auth = {
        auth_url: cloud.auth["auth_url"],
        application_credential_id: id,
        application_credential_secret: secret,
    };
    const entry = { auth_type: "v3applicationcredential", region_name: cloud.region_name, auth };
    writeFileSync(path, stringify({ clouds: { [name]: entry } }), { mode: 0o600 });
}
