/** What must be known of a Marathon server to judge a definition: the same file is valid on one and not on another. */
import { isObject } from "../definitions/fields";

export interface MarathonFacts {
    /** E.g. "1.11.0"; decides defaults. @default - the newest */
    readonly version?: string;
    /** `--mesos_role`. @default "*" */
    readonly role: string;
    /** `--enable_features`. */
    readonly features: readonly string[];
    /** `--default_network_name`. @default - none */
    readonly defaultNetworkName?: string;
    /** Whether `--mesos_authentication_principal` is set; undefined when nobody said. */
    readonly hasPrincipal?: boolean;
    /** Top-level groups whose services must take the group's name as role. */
    readonly enforcedGroups?: readonly string[];
}

/** A server without any flag. */
export const plainMarathon: MarathonFacts = { role: "*", features: [] };

/** A server with the flags that somebody has named. */
export function factsSaid({
    role,
    features,
    defaultNetworkName,
}: Partial<Pick<MarathonFacts, "role" | "features" | "defaultNetworkName">> = {}): MarathonFacts {
    return {
        ...plainMarathon,
        ...(role === undefined ? {} : { role }),
        ...(features === undefined ? {} : { features }),
        ...(defaultNetworkName === undefined ? {} : { defaultNetworkName }),
    };
}

/** Reads the answer of `GET /v2/info`. */
export function factsOfInfo(info: unknown): MarathonFacts {
    const config = isObject(info) && isObject(info["marathon_config"]) ? info["marathon_config"] : {};
    const version = isObject(info) && typeof info["version"] === "string" ? info["version"] : undefined;
    const network = config["default_network_name"];
    const principal = config["mesos_authentication_principal"];
    return {
        ...(version !== undefined && /^\d+\.\d+/.test(version) ? { version } : {}),
        role: typeof config["mesos_role"] === "string" ? config["mesos_role"] : "*",
        features: Array.isArray(config["features"]) ? config["features"].map(String) : [],
        ...(typeof network === "string" && network !== "" ? { defaultNetworkName: network } : {}),
        ...("mesos_authentication_principal" in config
            ? { hasPrincipal: typeof principal === "string" && principal !== "" }
            : {}),
    };
}

/** Whether the server is at least the given version; an unknown one counts as the newest. */
export function isAtLeast({ version }: MarathonFacts, major: number, minor: number): boolean {
    const [, is = "", has = ""] = /^(\d+)\.(\d+)/.exec(version ?? "") ?? [];
    return is === "" || Number(is) > major || (Number(is) === major && Number(has) >= minor);
}
