/** A worker as a Mesos task. */
import { createHash } from "node:crypto";
import { gracePeriod, type Resource, type TaskInfo, type TaskStatus } from "../scheduler";
import { containerOf } from "../service/containers";
import type { Config } from "./config";
import type { Size } from "./sizes";

/** Work Queue cleans its directory up when it is told to end. */
const GRACE_SEC = 10;
/** Part of a worker's life by which those of others differ from it. */
const LIFE_SPREAD = 0.2;
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

/** Status of a worker that has reached no manager in all its time: it ends in order, but its host may have no way there. */
export const UNREACHED = 75;

/** Whether a worker has ended because it found no way to its manager, however long it has tried. */
export const foundNoManager = ({ state, message = "" }: TaskStatus): boolean =>
    state === "TASK_FAILED" && new RegExp(`status ${UNREACHED}\\b`).test(message);

/**
 * The sandbox is the worker's directory, so that Mesos cleans up after it. The password goes from the environment into a file of
 * the sandbox, and out of the environment, before the worker starts. Whether it has ever reached its manager is known from what it
 * says alone: its own status is 0 all the same.
 *
 * Work Queue has no word for "no more tasks, please": `--wall-time` ends the worker with what it has. So after its life it is watched
 * until it has a process that was not there before: the result of the task before is with the manager by then, and the new task, a
 * second old at most, goes to another worker.
 */
const SCRIPT = `cd "\${MESOS_SANDBOX:-.}" || exit 1
life=$1; shift
if [ -n "\${${PASSWORD}+set}" ]; then
  (umask 077; printf %s "$${PASSWORD}" >.work-queue-password) || exit 1
  unset ${PASSWORD}
fi
echo "the worker's log is worker.log"
told= worker=
trap 'told=yes; [ -z "$worker" ] || kill -TERM $worker' TERM INT
"$@" -s . >worker.log 2>&1 &
worker=$!
[ -z "$told" ] || kill -TERM $worker
tasks() {
  for stat in /proc/[0-9]*/stat; do
    { read -r line <"$stat"; } 2>/dev/null || continue
    set -- \${line##*) }
    [ "$2" != $worker ] || echo "\${line%% *}"
  done
}
watch() {
  trap 'kill $nap; exit' TERM
  sleep "$life" & nap=$!
  wait $nap
  before=" $(echo $(tasks)) "
  while kill -0 $worker; do
    sleep 1 & nap=$!
    wait $nap
    for task in $(tasks); do
      case $before in *" $task "*) ;; *) : >.life-is-over; kill -TERM $worker; exit ;; esac
    done
  done
}
watch=
[ -z "$life" ] || { watch 2>/dev/null & watch=$!; }
wait $worker
status=$?
# What has been waited for already is 127 to the shell.
[ -z "$told" ] || { wait $worker; again=$?; [ $again -eq 127 ] || status=$again; }
[ -z "$watch" ] || kill $watch 2>/dev/null
[ ! -e .life-is-over ] || { echo "its time was over, and its last task done"; exit 0; }
[ $status -ne 0 ] || grep -q "^connected to manager" worker.log || {
  echo "it has reached no manager" >&2
  exit ${UNREACHED}
}
exit $status`;

/** Seconds that a worker lives, a little less than allowed: those that were started together shall not leave together. */
export function lifeOf(id: string, lifeSec: number): number {
    const spread = createHash("sha256").update(id).digest().readUInt16BE() / 2 ** 16;
    return Math.max(1, Math.round(lifeSec * (1 - LIFE_SPREAD * spread)));
}

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

function containerFor({ container, volumes, passwordFileOnAgents: path }: Config): object | undefined {
    const more = path === undefined ? [] : [{ host_path: path, container_path: path, mode: "RO" as const }];
    return containerOf(container, volumes, more);
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
    const container = containerFor(config);
    const life = config.lifeSec === undefined ? "" : String(lifeOf(id, config.lifeSec));
    return {
        name: `worker ${size.name} for ${project}`,
        task_id: { value: id },
        agent_id: { value: agentId },
        resources,
        command: {
            shell: false,
            value: "/bin/sh",
            arguments: ["sh", "-c", SCRIPT, "work-queue-worker", life, ...workerArguments(project, size, config)],
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
