/** Upgrade and unreachable strategies: what the server refuses, and what it takes and then never finishes. */
import { isObject, type JsonObject, word } from "../definitions/fields";
import type { Findings } from "../definitions/finding";
import type { Rule } from "./rule";
import { hasExternalVolumes, isResident, objects } from "./normalizeApp";

function checkUpgrade(app: JsonObject, findings: Findings): void {
    const upgrade = isObject(app["upgradeStrategy"]) ? app["upgradeStrategy"] : {};
    const { maximumOverCapacity: over } = upgrade;
    const instances = typeof app["instances"] === "number" ? app["instances"] : 1;
    const labels = isObject(app["labels"]) ? app["labels"] : {};
    const resident = isResident(app);
    const single = labels["MARATHON_SINGLE_INSTANCE_APP"] === "true";
    const external = hasExternalVolumes(app);
    const why = single ? "the label MARATHON_SINGLE_INSTANCE_APP" : "an external volume";
    if (single || external) {
        for (const name of ["maximumOverCapacity", "minimumHealthCapacity"] as const)
            if (upgrade[name] !== 0)
                findings.refuse(
                    "APP_UPGRADE_SINGLE",
                    `/upgradeStrategy/${name}`,
                    `must be 0 with ${why}: two instances never run at a time`,
                    {
                        value: upgrade[name],
                        allowed: "0",
                        fix: "upgradeStrategy: { minimumHealthCapacity: 0, maximumOverCapacity: 0 }",
                        server: { path: `/upgradeStrategy/${name}`, error: "got 1.0, expected 0.0" },
                    },
                );
        if (instances > 1)
            findings.refuse("APP_INSTANCES_SINGLE", "/instances", `must be at most 1 with ${why}`, {
                value: instances,
                server: { error: `got ${instances}, expected 1 or less` },
            });
    } else if (resident && typeof over === "number" && over !== 0)
        findings.refuse(
            "APP_UPGRADE_RESIDENT",
            "/upgradeStrategy/maximumOverCapacity",
            "must be 0: volumes on an agent are not made twice",
            {
                value: over,
                allowed: "0",
                server: { error: `got ${over.toFixed(1)}, expected 0.0` },
            },
        );
    if (resident && isObject(app["unreachableStrategy"]))
        findings.refuse(
            "APP_UNREACHABLE_RESIDENT",
            "/unreachableStrategy",
            'must be "disabled": a task with volumes on an agent is not started elsewhere',
            {
                fix: 'set it to "disabled", or leave it out',
                server: { path: "/", error: "unreachableStrategy must be disabled for resident tasks" },
            },
        );
    checkDeadlock(app, instances, findings);
}

/** Strategies that the server takes and with which an update never begins or never ends. */
function checkDeadlock(app: JsonObject, instances: number, findings: Findings): void {
    const upgrade = isObject(app["upgradeStrategy"]) ? app["upgradeStrategy"] : {};
    const { maximumOverCapacity: over, minimumHealthCapacity: healthy } = upgrade;
    if (over !== 0 || typeof healthy !== "number" || instances === 0) return;
    if (healthy > 0 && Math.ceil(instances * healthy) >= instances && !isResident(app)) {
        findings.warn(
            "APP_UPGRADE_TIGHT",
            "/upgradeStrategy",
            `all ${instances} must stay healthy and none may be added: an update starts one more all the same, and waits for ever where there is no room for it`,
            { value: upgrade, fix: "lower minimumHealthCapacity, or raise maximumOverCapacity" },
        );
        return;
    }
    const counted = objects(app["healthChecks"]).filter(({ protocol }) =>
        ["HTTP", "HTTPS", "TCP", "COMMAND"].includes(word(protocol)),
    );
    if (healthy > 0 && (counted.length > 0 || app["check"] !== undefined || objects(app["readinessChecks"]).length > 0))
        findings.warn(
            "APP_UPGRADE_STUCK",
            "/upgradeStrategy",
            "Marathon 1.11 does not count instances with a health, Mesos or readiness check as healthy here: an update may never begin",
            {
                value: upgrade,
                fix: "raise maximumOverCapacity above 0, or set minimumHealthCapacity to 0, or use MESOS_HTTP or MESOS_TCP",
            },
        );
}

/** Fixed ports are taken by the old task while the new one is to start. */
function checkFixedPorts(app: JsonObject, findings: Findings): void {
    const upgrade = isObject(app["upgradeStrategy"]) ? app["upgradeStrategy"] : {};
    const container = isObject(app["container"]) ? app["container"] : {};
    const fixed = [
        ...(app["requirePorts"] === true ? objects(app["portDefinitions"]).map(({ port }) => port) : []),
        ...objects(container["portMappings"]).map(({ hostPort }) => hostPort),
    ].filter((port) => typeof port === "number" && port > 0);
    if (fixed.length > 0 && upgrade["minimumHealthCapacity"] === 1 && app["instances"] !== 0)
        findings.warn(
            "APP_FIXED_PORT",
            "/upgradeStrategy",
            `host port ${fixed.map(String).join(", ")} is still taken while a new instance starts: an update needs an agent more than there are instances`,
            {
                fix: "upgradeStrategy: { minimumHealthCapacity: 0, maximumOverCapacity: 0 } where there is none to spare",
            },
        );
}

export const checkStrategies: Rule = ({ read, app }, findings) => {
    checkUpgrade(app, findings);
    checkFixedPorts(app, findings);
    checkUnreachable(app["unreachableStrategy"], "/unreachableStrategy", findings);
    if (read["residency"] !== undefined && !isResident(app))
        findings.warn("APP_RESIDENCY", "/residency", "has no effect without a persistent volume: dropped");
    if (typeof app["taskKillGracePeriodSeconds"] === "number" && app["taskKillGracePeriodSeconds"] === 0)
        findings.warn("APP_KILL_GRACE", "/taskKillGracePeriodSeconds", "0: tasks are killed without a warning");
};

/** For apps and pods. */
export function checkUnreachable(strategy: unknown, at: string, findings: Findings): void {
    if (!isObject(strategy)) return;
    const { inactiveAfterSeconds: inactive, expungeAfterSeconds: expunge } = strategy;
    if (typeof inactive === "number" && typeof expunge === "number" && inactive > expunge)
        findings.refuse("APP_UNREACHABLE", `${at}/inactiveAfterSeconds`, "must not be more than expungeAfterSeconds", {
            value: inactive,
            allowed: `0..${expunge}`,
            server: {
                error: `inactiveAfterSeconds (${inactive}) must be less or equal to expungeAfterSeconds, which is ${expunge}`,
            },
        });
}
