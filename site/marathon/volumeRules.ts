/** Volumes of apps: of the host, on an agent, from outside, secrets as files. */
import { isObject, type JsonObject } from "../definitions/fields";
import type { Findings } from "../definitions/finding";
import { isRegex } from "./constraints";
import type { Rule } from "./rule";
import { objects, volumesOf } from "./normalizeApp";
import type { MarathonFacts } from "./server";

/** Size and constraints of a volume on an agent, for apps and pods. */
export function checkPersistent(persistent: JsonObject, at: string, findings: Findings): void {
    const { size, maxSize, type, constraints } = persistent;
    if (typeof size === "number" && size <= 0)
        findings.refuse("APP_VOLUME_SIZE", `${at}/size`, "must be more than 0 MiB", {
            value: size,
            server: { error: `got ${size}, expected more than 0` },
        });
    if (maxSize !== undefined && type !== "mount")
        findings.refuse("APP_VOLUME_MAX", `${at}/maxSize`, "is only for volumes of type mount", {
            value: maxSize,
            server: { path: at, error: "Constraints on maxSize must be set only for mount disks" },
        });
    if (typeof maxSize === "number" && typeof size === "number" && maxSize < size)
        findings.refuse("APP_VOLUME_MAX", `${at}/maxSize`, "is less than the size", { value: maxSize });
    if (Array.isArray(constraints) && constraints.length > 0) {
        if (type === "root")
            findings.refuse("APP_VOLUME_CONSTRAINTS", `${at}/constraints`, "a volume of type root has no constraints", {
                server: { path: at, error: "Constraints on root volumes are not supported" },
            });
        for (const constraint of constraints)
            if (Array.isArray(constraint) && typeof constraint[2] === "string" && !isRegex(constraint[2]))
                findings.refuse("APP_VOLUME_CONSTRAINTS", `${at}/constraints`, "is not a valid regular expression");
    }
}

function checkVolume(volume: JsonObject, at: string, server: MarathonFacts, findings: Findings): void {
    const { containerPath, hostPath, mode, persistent, external, secret } = volume;
    const kinds = [hostPath, persistent, external, secret].filter((kind) => kind !== undefined).length;
    if (kinds !== 1)
        findings.refuse("APP_VOLUME_KIND", at, "must have exactly one of hostPath, persistent, external and secret", {
            ...(kinds === 0 ? { server: { error: "illegal volume specification" } } : {}),
        });
    if (mode === undefined && secret === undefined)
        findings.refuse("APP_VOLUME_MODE", `${at}/mode`, '"mode" is missing', {
            allowed: "RO or RW",
            server: { stage: 0, error: `'mode' is undefined on object: ${JSON.stringify(volume)}` },
        });
    if (isObject(persistent)) {
        checkPersistent(persistent, `${at}/persistent`, findings);
        if (mode === "RO")
            findings.refuse("APP_VOLUME_MODE", `${at}/mode`, "a volume on an agent must be writable", {
                allowed: "RW",
                server: { error: 'must be set to "RW"' },
            });
        if (typeof containerPath === "string" && (containerPath.includes("/") || [".", ".."].includes(containerPath)))
            findings.refuse(
                "APP_VOLUME_PATH",
                `${at}/containerPath`,
                "is a folder in the sandbox: a name without slashes",
                {
                    value: containerPath,
                    fix: "add a second volume with this name as hostPath and the wanted containerPath",
                    server: { error: 'value must not contain "/"' },
                },
            );
        if (server.hasPrincipal === false)
            findings.refuse(
                "APP_VOLUME_PRINCIPAL",
                at,
                "this Marathon has no principal: it would accept the app and then stop starting tasks of every app until its leader is restarted",
                { fix: "give Marathon --mesos_authentication_principal; it cannot be added to a registered framework" },
            );
    }
    if (isObject(external)) {
        if (!server.features.includes("external_volumes"))
            findings.refuse("APP_EXTERNAL_OFF", `${at}/external`, "the server does not know external volumes", {
                fix: "start Marathon with --enable_features external_volumes",
                server: {
                    path: at,
                    error: "Feature external_volumes is not enabled. Enable with --enable_features external_volumes)",
                },
            });
        if (external["provider"] === "dvdi" && external["name"] === undefined)
            findings.refuse("APP_EXTERNAL_NAME", `${at}/external/name`, "a dvdi volume needs a name", {
                server: { error: "not defined" },
            });
    }
}

export const checkVolumes: Rule = ({ app, server }, findings) => {
    const container = isObject(app["container"]) ? app["container"] : undefined;
    if (container === undefined) return;
    volumesOf(app).forEach((volume, index) => checkVolume(volume, `/container/volumes(${index})`, server, findings));
    const docker = container["docker"];
    if (container["type"] === "DOCKER" && !isObject(docker))
        findings.refuse("APP_DOCKER_MISSING", "/container/docker", "container type DOCKER needs docker.image", {
            fix: 'add docker, or set type to "MESOS"',
            server: { error: "not defined" },
        });
    if (container["type"] === "DOCKER" && isObject(container["appc"]))
        findings.refuse("APP_APPC", "/container/appc", "belongs to container type MESOS", {
            server: { error: "must be empty" },
        });
    if (isObject(docker)) {
        if (docker["pullConfig"] !== undefined && container["type"] === "DOCKER")
            findings.refuse("APP_PULL_CONFIG", "/container/docker/pullConfig", "belongs to container type MESOS", {
                server: { error: "must be empty" },
            });
        if (
            container["type"] === "MESOS" &&
            (objects(docker["parameters"]).length > 0 || docker["privileged"] === true)
        )
            findings.warn(
                "APP_DOCKER_ONLY",
                "/container/docker",
                "parameters and privileged have no effect in container type MESOS",
            );
        if (typeof docker["image"] === "string" && /\s/.test(docker["image"]))
            findings.refuse("APP_IMAGE", "/container/docker/image", "an image name has no blanks", {
                value: docker["image"],
            });
    }
};
