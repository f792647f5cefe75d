/** An agent as a Mesos task. */
import { gracePeriod, type Resource, type TaskInfo } from "../scheduler";
import { containerOf } from "../service/containers";
import type { SessionSpec } from "./config";

/** An agent that is told to end needs up to six seconds: user tasks first, then its message queues. */
const GRACE_SEC = 15;
const KEY = "DDS_PACKAGE_KEY";

/** Statuses of an agent that cannot start. */
export const STATUS = { noSharedMemory: 72, noPackage: 73 } as const;

/**
 * Each start has a directory of its own: a scout that was killed leaves a lock behind. The task's id in its path is how a commander's
 * agents are told apart.
 *
 * The package comes by HTTP without a program for it: agents' hosts have bash in any case. The key goes by neither an argument nor an
 * address, which others could read.
 *
 * At last the scout takes the place of the shell: only so does it hear that it is to end, and clean up. Message queues of one that was
 * killed stay; they are found by its process id, which says nothing in a namespace of processes.
 */
const SCRIPT = `umask 077
id=$1 digest=$2 host=$3 port=$4; shift 4
cd "\${MESOS_SANDBOX:-.}" && mkdir -p "dds/$DDS_WORKER_ID" && cd "dds/$DDS_WORKER_ID" || exit 1
[ -w /dev/shm ] || { echo "/dev/shm cannot be written here: DDS needs it for its message queues" >&2; exit ${STATUS.noSharedMemory}; }
read -r first </proc/1/comm || first=
case $first in systemd | init)
  for queue in /dev/shm/DDSA[IO]-*; do
    pid=\${queue#/dev/shm/DDSA?-}; pid=\${pid%%-*}
    [ -O "$queue" ] && [ ! -d "/proc/$pid" ] && rm -f "$queue"
  done ;;
esac
fetch() {
  printf 'GET /dds-work-package?id=%s HTTP/1.0\\r\\nX-Package-Key: %s\\r\\n\\r\\n' "$id" "$${KEY}" >&3 || return 1
  IFS= read -r line <&3 || return 1
  case $line in *" 200 "*) ;; *) echo "the package: $line" >&2; return 1 ;; esac
  while IFS= read -r line <&3 && [ "$line" != $'\\r' ]; do :; done
  cat <&3 >DDSWorker.sh
  echo "$digest  DDSWorker.sh" | sha256sum --check --status
}
got=
for try in 1 2 3 4 5; do
  { fetch; } 3<>"/dev/tcp/$host/$port" && { got=yes; break; }
  sleep 2
done
unset ${KEY}
[ -n "$got" ] || { echo "no package from $host:$port" >&2; exit ${STATUS.noPackage}; }
chmod 0700 DDSWorker.sh
exec ./DDSWorker.sh "$@"`;

export interface NewAgent {
    readonly id: string;
    readonly session: string;
    readonly spec: SessionSpec;
    readonly agentId: string;
    readonly resources: readonly Resource[];
}

/** Where the package is had. */
export interface Source {
    readonly digest: string;
    /** `host:port` of this framework. */
    readonly address: string;
    readonly key: string;
}

export function taskOf({ id, session, spec, agentId, resources }: NewAgent, user: string, source: Source): TaskInfo {
    const { slots, volumes } = spec;
    const image = spec.container && { ...spec.container, containerizer: "mesos" as const, privileged: false };
    const container = containerOf(image, volumes);
    const [host = "", port = ""] = source.address.split(":");
    const data = Buffer.from(source.key).toString("base64");
    const variables = [
        { name: "PATH", value: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" },
        { name: "DDS_WORKER_ID", value: id },
        { name: KEY, type: "SECRET", secret: { type: "VALUE", value: { data } } },
    ];
    return {
        name: `DDS agent of ${session}`,
        task_id: { value: id },
        agent_id: { value: agentId },
        resources,
        command: {
            shell: false,
            value: "/bin/bash",
            arguments: [
                ...["bash", "-c", SCRIPT, "dds-agent", session, source.digest, host, port],
                ...(slots === undefined ? [] : ["1", String(slots)]),
            ],
            user,
            environment: { variables: variables as { name: string; value: string }[] },
        },
        kill_policy: gracePeriod(GRACE_SEC),
        labels: { labels: [{ key: "dds-session", value: session }] },
        ...(container !== undefined && { container }),
    };
}
