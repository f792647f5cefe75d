/** A worker as a Mesos task. */
import { gracePeriod, type Resource, type TaskInfo } from "../scheduler";
import type { Config } from "./config";
import type { Size } from "./sizes";

/** Work Queue cleans its directory up when it is told to end. */
const GRACE_SEC = 10;
const PASSWORD = "WORK_QUEUE_PASSWORD";

/** A regular expression (POSIX) for exactly this name: the worker takes its manager's name for one. */
export const exactly = (project: string): string => `^${project.replace(/[.[\]{}()*+?^$|\\]/g, "\\$&")}$`;

/** What the worker is called with; no secret is among it. */
export function workerArguments(project: string, size: Size, config: Config): string[] {
    const { catalogs, idleSec, worker, passwordFile, passwordFileOnAgents } = config;
    const password = passwordFileOnAgents ?? (passwordFile === undefined ? undefined : ".work-queue-password");
    return [
        worker,
        // It leaves when its manager does, or sends it nothing: whoever still needs workers gets new ones.
        "--single-shot",
        ...["-t", String(idleSec)],
        ...["-C", catalogs.join(",")],
        ...["-M", exactly(project)],
        ...["--cores", String(size.cores)],
        ...["--memory", String(size.memMiB)],
        ...["--disk", String(size.diskMiB)],
        ...["--gpus", String(size.gpus)],
        ...(password === undefined ? [] : ["-P", password]),
        ...config.arguments,
    ];
}

/**
 * The sandbox is the worker's directory, so that Mesos cleans up after it. The password goes from the environment into a file of
 * the sandbox, and out of the environment, before the worker starts.
 */
const SCRIPT = `cd "\${MESOS_SANDBOX:-.}" || exit 1
if [ -n "\${${PASSWORD}+set}" ]; then
  (umask 077; printf %s "$${PASSWORD}" >.work-queue-password) || exit 1
  unset ${PASSWORD}
fi
exec "$@" -s .`;

interface Variable {
    readonly name: string;
    readonly type?: "SECRET";
    readonly value?: string;
    readonly secret?: { readonly type: "VALUE"; readonly value: { readonly data: string } };
}

/** @param password of the managers, when it is to be handed over */
function environment(config: Config, password: string | undefined): Variable[] {
    const plain = Object.entries(config.environment).map(([name, value]) => ({ name, value }));
    if (password === undefined || config.passwordFileOnAgents !== undefined) {
        return plain;
    }
    // Mesos shows secrets to nobody, and never writes them to a log.
    const data = Buffer.from(password).toString("base64");
    return [...plain, { name: PASSWORD, type: "SECRET", secret: { type: "VALUE", value: { data } } }];
}

function containerOf(config: Config): object | undefined {
    const { container, volumes, passwordFileOnAgents } = config;
    if (container === undefined && volumes.length === 0) {
        return undefined;
    }
    const mounts = volumes.map(({ host, container: inside = host, readOnly }) => ({
        host_path: host,
        container_path: inside,
        mode: readOnly ? "RO" : "RW",
    }));
    if (container !== undefined && passwordFileOnAgents !== undefined) {
        mounts.push({ host_path: passwordFileOnAgents, container_path: passwordFileOnAgents, mode: "RO" });
    }
    if (container?.containerizer === "docker") {
        const { image, privileged } = container;
        return { type: "DOCKER", docker: { image, privileged, network: "HOST" }, volumes: mounts };
    }
    return {
        type: "MESOS",
        volumes: mounts,
        ...(container !== undefined && {
            mesos: { image: { type: "DOCKER", docker: { name: container.image } } },
        }),
    };
}

export interface NewWorker {
    readonly id: string;
    readonly project: string;
    readonly size: Size;
    readonly agentId: string;
    readonly resources: readonly Resource[];
}

export function taskOf(
    { id, project, size, agentId, resources }: NewWorker,
    config: Config,
    password?: string,
): TaskInfo {
    const container = containerOf(config);
    return {
        name: `worker ${size.name} for ${project}`,
        task_id: { value: id },
        agent_id: { value: agentId },
        resources,
        command: {
            shell: false,
            value: "/bin/sh",
            arguments: ["sh", "-c", SCRIPT, "work-queue-worker", ...workerArguments(project, size, config)],
            user: config.user,
            environment: { variables: environment(config, password) as { name: string; value: string }[] },
        },
        kill_policy: gracePeriod(GRACE_SEC),
        labels: {
            labels: [
                { key: "work-queue-project", value: project },
                { key: "work-queue-size", value: size.name },
            ],
        },
        ...(container !== undefined && { container }),
    };
}
