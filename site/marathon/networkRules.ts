/** Networks and ports of apps: old and new spellings, and what one network mode drops of the other's ports. */
import { isObject, type JsonObject, word } from "../definitions/fields";
import type { Findings } from "../definitions/finding";
import type { Rule } from "./rule";
import { objects } from "./normalizeApp";

/** Old spellings that contradict each other or the new ones. */
export const checkOldNetworks: Rule = ({ read }, findings) => {
    const container = isObject(read["container"]) ? read["container"] : {};
    const docker = isObject(container["docker"]) ? container["docker"] : {};
    const address = isObject(read["ipAddress"]) ? read["ipAddress"] : undefined;
    const refuse = (code: string, path: string, message: string, error: string, fix: string): void =>
        findings.refuse(code, path, message, { fix, server: { stage: 1, error } });
    if (docker["network"] !== undefined && read["networks"] !== undefined)
        refuse(
            "APP_NETWORK_TWICE",
            "/",
            "gives container.docker.network, the old spelling, beside networks",
            "must not specify both container.docker.network and networks",
            "take container.docker.network out",
        );
    if (address !== undefined && read["networks"] !== undefined)
        refuse(
            "APP_NETWORK_TWICE",
            "/",
            "gives ipAddress, the old spelling, beside networks",
            "must not specify both networks and ipAddress",
            "take ipAddress out",
        );
    if (docker["network"] !== undefined && container["type"] === "MESOS")
        refuse(
            "APP_DOCKER_NETWORK",
            "/container/docker/network",
            "belongs to container type DOCKER",
            "must be empty",
            "use networks instead",
        );
    if (address?.["discovery"] !== undefined && isObject(container["docker"]) && container["type"] !== "MESOS")
        refuse(
            "APP_DISCOVERY",
            "/ipAddress",
            "discovery is not for Docker containers",
            "ipAddress/discovery is not allowed for Docker containers",
            "use container.portMappings",
        );
    if (
        address !== undefined &&
        (objects(read["portDefinitions"]).length > 0 || oldPorts(read).some((port) => port > 0))
    )
        refuse(
            "APP_ADDRESS_AND_PORTS",
            "/",
            "an app with an address of its own has no ports of the host",
            "cannot specify both an IP address and port",
            "use container.portMappings",
        );
    if (docker["portMappings"] !== undefined && container["portMappings"] !== undefined)
        findings.warn(
            "APP_MAPPINGS_TWICE",
            "/container/docker/portMappings",
            "is the old spelling of container.portMappings, which wins: left out",
        );
    if (read["ports"] !== undefined && read["portDefinitions"] !== undefined)
        findings.warn("APP_PORTS_TWICE", "/ports", "is the old spelling of portDefinitions, which wins: dropped");
    if (isObject(docker["credential"]))
        findings.warn("APP_CREDENTIAL", "/container/docker/credential", "is dropped by the server", {
            fix: "use container.docker.pullConfig with a secret",
        });
};

function oldPorts(read: JsonObject): number[] {
    return Array.isArray(read["ports"]) ? read["ports"].filter((port) => typeof port === "number") : [];
}

function duplicates<T>(values: readonly T[]): T[] {
    return [...new Set(values.filter((value, index) => values.indexOf(value) !== index))];
}

/** What the host and the bridge each drop without a word. */
function checkDropped(read: JsonObject, isHost: boolean, findings: Findings): void {
    const container = isObject(read["container"]) ? read["container"] : {};
    const docker = isObject(container["docker"]) ? container["docker"] : {};
    if (isHost) {
        for (const [path, mappings] of [
            ["/container/portMappings", container["portMappings"]],
            ["/container/docker/portMappings", docker["portMappings"]],
        ] as const)
            if (objects(mappings).length > 0)
                findings.refuse(
                    "APP_MAPPINGS_DROPPED",
                    path,
                    "has no effect in the host's network: the server would drop it",
                    {
                        fix: 'set networks: [{ mode: "container/bridge" }], or use portDefinitions',
                    },
                );
        return;
    }
    for (const name of ["portDefinitions", "ports"] as const)
        if (Array.isArray(read[name]) && read[name].length > 0)
            findings.refuse(
                "APP_PORTS_DROPPED",
                `/${name}`,
                "has no effect in a container network: the server would drop it",
                { fix: "use container.portMappings" },
            );
    if (read["requirePorts"] === true)
        findings.warn("APP_REQUIRE_PORTS", "/requirePorts", "has no effect in a container network: becomes false");
}

export const checkAppNetworks: Rule = ({ read, app }, findings) => {
    const networks = objects(app["networks"]);
    const modes = new Set(networks.map(({ mode }) => mode));
    const isHost = networks.every(({ mode }) => mode === "host");
    const valid = (path: string, message: string, error: string, fix?: string): void =>
        findings.refuse("APP_NETWORKS", path, message, { ...(fix === undefined ? {} : { fix }), server: { error } });
    if (modes.size > 1)
        valid(
            "/networks",
            "mixes kinds of networks",
            "Host networking, bridge networking and container networking cannot be mixed",
            "keep one mode",
        );
    else if (networks.length > 1 && !modes.has("container"))
        valid("/networks", "names the same network twice", "Host and bridge networking may be given only once");
    if (networks.some(({ mode, name }) => mode === "container" && (name === undefined || name === "")))
        valid(
            "/networks",
            "a container network needs a name: this server has no default one",
            "Network name must be specified when container network is selected.",
            "add its name, or start Marathon with --default_network_name",
        );
    if (networks.some(({ mode, name }) => mode === "container/bridge" && name !== undefined))
        valid("/networks", "a bridge network has no name", "Bridge networks may not have names", "take the name out");
    if (networks.some(({ mode, name }) => mode === "host" && name !== undefined))
        valid("/networks", "the host's network has no name", "Host networks may not have names", "take the name out");
    const names = networks.flatMap(({ name }) => (typeof name === "string" ? [name] : []));
    for (const name of duplicates(names)) valid("/networks", `names ${name} twice`, "Network names must be unique.");
    for (const name of names)
        if (!/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name))
            findings.refuse(
                "APP_NETWORK_NAME",
                "/networks",
                `"${name}" is stored, but then the server refuses its own answer`,
                {
                    allowed: "lower-case letters, digits and hyphens",
                },
            );
    checkDropped(read, isHost, findings);
    if (isHost) checkPortDefinitions(app, findings);
    else checkPortMappings(app, names, findings);
};

function checkPortDefinitions(app: JsonObject, findings: Findings): void {
    const definitions = objects(app["portDefinitions"]);
    const valid = (path: string, message: string, error: string): void =>
        findings.refuse("APP_PORTS", path, message, { server: { error } });
    definitions.forEach(({ port }, index) => {
        if (typeof port === "number" && (port < 0 || port > 65535))
            findings.refuse("APP_PORTS", `/portDefinitions(${index})/port`, "is no port", {
                value: port,
                allowed: "0 (the server chooses) or 1..65535",
                server: { error: port < 0 ? `got ${port}, expected 0 or more` : `got ${port}, expected 65535 or less` },
            });
    });
    const ports = definitions.map(({ port }) => port).filter((port) => port !== 0 && port !== undefined);
    for (const port of duplicates(ports))
        valid("/portDefinitions", `port ${word(port)} is given twice`, "Ports must be unique.");
    const names = definitions.map(({ name }) => name).filter((name) => name !== undefined);
    for (const name of duplicates(names))
        valid("/portDefinitions", `the name ${word(name)} is given twice`, "Port names must be unique.");
}

function checkPortMappings(app: JsonObject, networkNames: readonly string[], findings: Findings): void {
    const container = isObject(app["container"]) ? app["container"] : {};
    const mappings = objects(container["portMappings"]);
    const valid = (path: string, message: string, error: string): void =>
        findings.refuse("APP_MAPPINGS", path, message, { server: { error } });
    const names = mappings.map(({ name }) => name).filter((name) => name !== undefined);
    for (const name of duplicates(names))
        valid("/container/portMappings", `the name ${word(name)} is given twice`, "Port names must be unique.");
    const servicePorts = mappings
        .map(({ servicePort }) => servicePort)
        .filter((port) => port !== 0 && port !== undefined);
    for (const port of duplicates(servicePorts))
        valid("/container/portMappings", `service port ${word(port)} is given twice`, "Service ports must be unique.");
    mappings.forEach((mapping, index) => {
        const at = `/container/portMappings(${index})`;
        const on = Array.isArray(mapping["networkNames"]) ? mapping["networkNames"].map(word) : [];
        for (const name of on)
            if (!networkNames.includes(name))
                valid(
                    `${at}/networkNames`,
                    `the app is not in a network ${name}`,
                    `network name ${name} is not defined`,
                );
        if (networkNames.length > 1 && on.length === 0 && mapping["hostPort"] !== undefined)
            valid(
                at,
                "with several networks a host port must say of which one",
                "networkNames must not be empty when hostPort is declared",
            );
    });
}
