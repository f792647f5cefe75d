/** Where OpenStack's credentials come from: clouds.yaml or `OS_*`, as OpenStack's own clients look for them. */
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { UserError } from "../resources/resource";

/** A project in a region, without a secret: what programs and the state know. */
export interface CloudRef {
    readonly cloud?: string;
    readonly authUrl?: string;
    readonly tenant?: string;
    readonly region?: string;
}

/** What a session needs. Never to be logged or returned to the engine. */
export interface CloudSettings {
    readonly authUrl: string;
    /** Body of Keystone's `POST /v3/auth/tokens`. */
    readonly request: unknown;
    readonly region?: string;
    readonly endpointType: string;
    readonly caFile?: string;
    readonly verify: boolean;
}

export interface Surroundings {
    readonly env: Readonly<Record<string, string | undefined>>;
    /** @returns the file's text; undefined when there is none */
    read(path: string): string | undefined;
    readonly home: string;
    readonly cwd: string;
}

export const realSurroundings = (): Surroundings => ({
    env: process.env,
    read: (path) => (existsSync(path) ? readFileSync(path, "utf8") : undefined),
    home: homedir(),
    cwd: process.cwd(),
});

type Tree = Record<string, unknown>;

function isTree(value: unknown): value is Tree {
    return typeof value === "object" && value !== null && !Array.isArray(value);
}

function merged(base: Tree, over: Tree): Tree {
    const result: Tree = { ...base };
    for (const [key, value] of Object.entries(over)) {
        const present = result[key];
        result[key] = isTree(present) && isTree(value) ? merged(present, value) : value;
    }
    return result;
}

function configFolders({ home, cwd }: Surroundings): string[] {
    return [cwd, join(home, ".config", "openstack"), "/etc/openstack"];
}

function cloudEntry(name: string, around: Surroundings): Tree {
    const load = (file: string, given: string | undefined): Tree => {
        const paths = given === undefined ? configFolders(around).map((folder) => join(folder, file)) : [given];
        for (const path of paths) {
            const text = around.read(path);
            const clouds = text === undefined ? undefined : (parse(text) as { clouds?: Tree } | null)?.clouds;
            if (clouds !== undefined) {
                return clouds;
            }
        }
        return {};
    };
    const clouds = load("clouds.yaml", around.env["OS_CLIENT_CONFIG_FILE"]);
    const entry = clouds[name];
    if (!isTree(entry)) {
        const known = Object.keys(clouds);
        throw new UserError(
            known.length === 0
                ? `no clouds.yaml has the cloud "${name}"`
                : `clouds.yaml has no cloud "${name}"; it has ${known.join(", ")}`,
        );
    }
    const secret = load("secure.yaml", around.env["OS_CLIENT_SECURE_FILE"])[name];
    return isTree(secret) ? merged(entry, secret) : entry;
}

/** `OS_USERNAME` → username, as clouds.yaml's `auth` has it. */
function authFromEnvironment(env: Surroundings["env"]): Tree {
    const names = [
        "auth_url",
        "username",
        "user_id",
        "password",
        "project_name",
        "project_id",
        "user_domain_name",
        "user_domain_id",
        "project_domain_name",
        "project_domain_id",
        "application_credential_id",
        "application_credential_name",
        "application_credential_secret",
        "token",
    ];
    const found = names.map((name) => [name, env[`OS_${name.toUpperCase()}`]] as const);
    const auth = Object.fromEntries(found.filter(([, value]) => value !== undefined && value !== ""));
    const tenant = env["OS_TENANT_NAME"];
    return tenant === undefined || "project_name" in auth ? auth : { ...auth, project_name: tenant };
}

function domain(auth: Tree, prefix: "user" | "project"): Tree {
    const id = auth[`${prefix}_domain_id`];
    return id === undefined ? { name: auth[`${prefix}_domain_name`] ?? "Default" } : { id };
}

function authRequest(auth: Tree, tenant: string | undefined): unknown {
    if (auth["application_credential_secret"] !== undefined) {
        const secret = auth["application_credential_secret"];
        const id = auth["application_credential_id"];
        const named = {
            name: auth["application_credential_name"],
            user: { name: auth["username"], domain: domain(auth, "user") },
            secret,
        };
        // An application credential is of one project: there is no scope to ask for.
        return {
            auth: {
                identity: {
                    methods: ["application_credential"],
                    application_credential: id === undefined ? named : { id, secret },
                },
            },
        };
    }
    const projectName = tenant ?? auth["project_name"];
    const project =
        tenant === undefined && auth["project_id"] !== undefined
            ? { id: auth["project_id"] }
            : { name: projectName, domain: domain(auth, "project") };
    const scope = { project };
    if (auth["token"] !== undefined && auth["password"] === undefined) {
        return { auth: { identity: { methods: ["token"], token: { id: auth["token"] } }, scope } };
    }
    const user =
        auth["user_id"] === undefined
            ? { name: auth["username"], domain: domain(auth, "user") }
            : { id: auth["user_id"] };
    return {
        auth: {
            identity: { methods: ["password"], password: { user: { ...user, password: auth["password"] } } },
            scope,
        },
    };
}

/**
 * Finds the credentials of a project.
 * @throws UserError that says what is missing, never a secret
 */
export function cloudSettings(ref: CloudRef, around: Surroundings = realSurroundings()): CloudSettings {
    const { env } = around;
    const cloud = ref.cloud ?? (ref.authUrl === undefined ? env["OS_CLOUD"] : undefined);
    const entry: Tree = cloud === undefined ? {} : cloudEntry(cloud, around);
    const auth = cloud === undefined ? authFromEnvironment(env) : isTree(entry["auth"]) ? entry["auth"] : {};
    const authUrl = ref.authUrl ?? auth["auth_url"];
    if (typeof authUrl !== "string") {
        throw new UserError("nothing says where Keystone is: neither clouds.yaml nor OS_AUTH_URL");
    }
    const hasSecret = ["password", "application_credential_secret", "token"].some((name) => auth[name] !== undefined);
    if (!hasSecret) {
        throw new UserError("there are no credentials: neither in clouds.yaml nor in OS_*");
    }
    const region = ref.region ?? entry["region_name"] ?? env["OS_REGION_NAME"];
    const interfaceName = entry["interface"] ?? env["OS_INTERFACE"] ?? env["OS_ENDPOINT_TYPE"];
    const caFile = entry["cacert"] ?? env["OS_CACERT"];
    return {
        authUrl: `${authUrl.replace(/\/+$/, "").replace(/\/v3$/, "")}/v3`,
        request: authRequest(auth, ref.tenant),
        ...(typeof region === "string" && region !== "" ? { region } : {}),
        endpointType: (typeof interfaceName === "string" ? interfaceName : "public").replace(/URL$/, ""),
        ...(typeof caFile === "string" && caFile !== "" ? { caFile } : {}),
        verify: entry["verify"] !== false && !/^(1|true|yes)$/i.test(env["OS_INSECURE"] ?? ""),
    };
}
