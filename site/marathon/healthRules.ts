/** Health checks, the Mesos check and readiness checks of apps. */
import { isObject, type JsonObject, word } from "../definitions/fields";
import type { Findings } from "../definitions/finding";
import type { Rule } from "./rule";
import { objects } from "./normalizeApp";

interface Port {
    readonly name: string | undefined;
    readonly protocol: string;
}

/** The ports that checks may name by index, in order. */
function portsOf(app: JsonObject): Port[] {
    const container = isObject(app["container"]) ? app["container"] : {};
    return objects(app["portDefinitions"] ?? container["portMappings"]).map(({ name, protocol }) => ({
        name: typeof name === "string" ? name : undefined,
        protocol: typeof protocol === "string" ? protocol : "tcp",
    }));
}

const isMesosCheck = (check: JsonObject): boolean =>
    check["protocol"] === "COMMAND" || word(check["protocol"]).startsWith("MESOS_");

function checkPort(check: JsonObject, ports: readonly Port[], at: string, findings: Findings): void {
    const { port, portIndex, protocol } = check;
    if (port !== undefined && portIndex !== undefined)
        findings.warn("APP_CHECK_PORT_TWICE", at, "gives both port and portIndex: port is used", {
            fix: "take one of them out",
        });
    const index = typeof portIndex === "number" ? portIndex : 0;
    // Without an index the server looks for the first port, and wants one to be there.
    if ((port === undefined || portIndex !== undefined) && index >= ports.length) {
        findings.refuse(
            "APP_CHECK_PORT",
            at,
            ports.length === 0 ? "checks a port of an app that has none" : `there is no port number ${index}`,
            {
                ...(ports.length === 0 ? {} : { allowed: `0..${ports.length - 1}` }),
                server: {
                    error: "Health check port indices must address an element of the ports array or container port mappings.",
                },
            },
        );
        return;
    }
    if (port === undefined && ports[index]?.protocol === "udp")
        findings.refuse("APP_CHECK_UDP", at, `${word(protocol)} checks a UDP port: it can never succeed`, {
            fix: "check another port, or use a COMMAND check",
        });
    if (port === 0) findings.refuse("APP_CHECK_PORT", at, "port 0 is no port to connect to", { fix: "use portIndex" });
}

function checkOneHealthCheck(
    given: JsonObject,
    check: JsonObject,
    ports: readonly Port[],
    at: string,
    findings: Findings,
): void {
    const { protocol } = check;
    if (["path", "port", "portIndex", "command"].every((name) => given[name] === undefined) && protocol === "HTTP")
        findings.warn("APP_CHECK_EMPTY", at, "says neither which port nor which path: it asks the first port for /", {
            fix: "say what is meant",
        });
    if (protocol === "COMMAND") {
        if (check["command"] === undefined)
            findings.refuse("APP_CHECK_COMMAND", at, "a COMMAND check needs a command", {
                fix: "add command: { value: … }",
                server: { status: 500, error: "illegal protocol COMMAND for non-command health check" },
            });
        for (const name of ["port", "portIndex", "path"])
            if (given[name] !== undefined)
                findings.warn("APP_CHECK_IGNORED", `${at}/${name}`, "has no effect on a COMMAND check");
    } else {
        checkPort(check, ports, at, findings);
        if (given["command"] !== undefined)
            findings.warn("APP_CHECK_IGNORED", `${at}/command`, `has no effect on a ${word(protocol)} check`);
        if (given["path"] !== undefined && word(protocol).endsWith("TCP"))
            findings.warn("APP_CHECK_IGNORED", `${at}/path`, `has no effect on a ${word(protocol)} check: dropped`);
        if (typeof given["path"] === "string" && !given["path"].startsWith("/") && !word(protocol).endsWith("TCP"))
            findings.warn("APP_CHECK_PATH", `${at}/path`, "does not start with a slash", { value: given["path"] });
    }
    const { timeoutSeconds, intervalSeconds } = check;
    if (typeof timeoutSeconds === "number" && typeof intervalSeconds === "number" && timeoutSeconds > intervalSeconds)
        findings.warn("APP_CHECK_TIMEOUT", at, `may take ${timeoutSeconds} s but runs every ${intervalSeconds} s`);
    if (check["maxConsecutiveFailures"] === 0)
        findings.warn("APP_CHECK_NEVER_KILLS", `${at}/maxConsecutiveFailures`, "0: an unhealthy task is never killed");
}

export const checkHealth: Rule = ({ read, app }, findings) => {
    const ports = portsOf(app);
    const given = objects(read["healthChecks"]);
    const checks = objects(app["healthChecks"]);
    checks.forEach((check, index) =>
        checkOneHealthCheck(given[index] ?? {}, check, ports, `/healthChecks(${index})`, findings),
    );
    const mesos = checks.filter(isMesosCheck);
    if (mesos.length > 1)
        findings.refuse(
            "APP_CHECKS_TWO",
            "/healthChecks",
            "Mesos runs one health check of a task: the others would be left out",
            {
                value: mesos.map(({ protocol }) => protocol),
                fix: "keep one of COMMAND and MESOS_…; any number of HTTP, HTTPS and TCP may stand beside it",
            },
        );
    const { check } = app;
    if (isObject(check)) {
        const kinds = ["exec", "http", "tcp"].filter((kind) => check[kind] !== undefined);
        if (kinds.length !== 1)
            findings.refuse("APP_CHECK_KIND", "/check", "must have exactly one of exec, http and tcp", {
                value: kinds,
                ...(kinds.length > 1 ? { server: { error: "only one of http, tcp, or command may be defined" } } : {}),
            });
        for (const kind of ["http", "tcp"]) {
            const part = check[kind];
            if (isObject(part) && part["port"] === undefined)
                checkPort({ ...part, protocol: kind.toUpperCase() }, ports, "/check", findings);
        }
    }
    checkReadiness(app, ports, findings);
};

function checkReadiness(app: JsonObject, ports: readonly Port[], findings: Findings): void {
    const checks = objects(app["readinessChecks"]);
    if (checks.length > 1)
        findings.refuse("APP_READINESS_TWO", "/readinessChecks", "an app has at most one readiness check", {
            server: { path: "/readinessChecks/size", error: `got ${checks.length}, expected 1 or less` },
        });
    checks.forEach(({ portName, intervalSeconds, timeoutSeconds }, index) => {
        const at = `/readinessChecks(${index})`;
        if (!ports.some(({ name }) => name === portName))
            findings.refuse("APP_READINESS_PORT", `${at}/portName`, "no port has that name", {
                value: portName,
                allowed: ports.flatMap(({ name }) => name ?? []).join(", ") || "name a port first",
                server: { error: `No port definition reference for portName ${word(portName)}` },
            });
        if (
            typeof intervalSeconds === "number" &&
            typeof timeoutSeconds === "number" &&
            timeoutSeconds >= intervalSeconds
        )
            findings.refuse("APP_READINESS_TIMEOUT", `${at}/timeoutSeconds`, "must be less than the interval", {
                value: timeoutSeconds,
                allowed: `less than ${intervalSeconds}`,
                server: { error: `got ${timeoutSeconds}, expected less than ${intervalSeconds}` },
            });
    });
}
