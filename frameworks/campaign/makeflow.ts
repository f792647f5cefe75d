/** The texts that makeflow reads, and what its log says. Pure. */
import type { Chunk, Plan, Task } from "./plan";

/** Of every task, whatever becomes of it: what its command wrote, and a last line with its host and times. */
export const logPath = ({ id }: Pick<Task, "id">): string => `logs/${id}.log`;

/**
 * The script that every task runs: `task.sh STAGE LOG OUTPUT NAME=VALUE… [INPUT…]`. Commands are here and not in the makeflow, whose
 * own substitutions and quotes they would meet. A result that is not whole, or is empty, is none: what a task leaves is taken
 * only where it has ended well.
 */
export function taskScript({ stages }: Pick<Plan, "stages">): string {
    const cases = stages.map(({ name, command }) => {
        const filled = command.replace(/\{(inputs|input|output|seed|events|job)\}/g, (_mark, key: string) => `$${key}`);
        return `${name})\n${filled}\n;;`;
    });
    return `#!/bin/sh
stage=$1 log=$2 output=$3
shift 3
while :; do
    case \${1:-} in
    seed=*) seed=\${1#*=} ;;
    events=*) events=\${1#*=} ;;
    job=*) job=\${1#*=} ;;
    *) break ;;
    esac
    shift
done
input=\${1:-} inputs=$*
mkdir -p "\${log%/*}" "\${output%/*}"
began=$(date +%s.%N)
(
    set -e
    case $stage in
${cases.join("\n")}
    esac
) >"$log" 2>&1
status=$?
if [ $status -eq 0 ] && [ ! -s "$output" ]; then
    echo "the command has ended well, but left no result" >>"$log"
    status=74
fi
printf '\\n{"host":"%s","began":%s,"ended":%s,"status":%s}\\n' "$(hostname)" "$began" "$(date +%s.%N)" "$status" >>"$log"
[ $status -eq 0 ] || rm -f "$output"
exit $status
`;
}

const header = (stage: string, { cores, memMiB, diskMiB, gpus }: Task["resources"]): string =>
    `CATEGORY=${stage}\nCORES=${cores}\nMEMORY=${memMiB}\nDISK=${diskMiB}\n${gpus > 0 ? `GPUS=${gpus}\n` : ""}`;

/** @param files names of the user's files, beside the script */
export function makeflowText({ tasks }: Chunk, files: readonly string[]): string {
    let stage: string | undefined;
    const rules = tasks.map((task) => {
        const { inputs, output, values, resources } = task;
        const log = logPath(task);
        const given = Object.entries(values).map(([name, value]) => `${name}=${value}`);
        const head = stage === task.stage ? "" : header(task.stage, resources);
        stage = task.stage;
        const needs = ["task.sh", ...files, ...inputs].join(" ");
        return `${head}${output} ${log}: ${needs}\n\tsh task.sh ${[task.stage, log, output, ...given, ...inputs].join(" ")}\n`;
    });
    return rules.join("\n");
}

/** States of a node, by the numbers of makeflow's log. */
const STATES = ["waiting", "running", "complete", "failed", "aborted"] as const;
export type NodeState = (typeof STATES)[number];

export interface NodeHistory {
    readonly state: NodeState;
    /** How often it was handed to Work Queue. */
    readonly starts: number;
    /** How often it has failed. */
    readonly failures: number;
    /** When it was first handed over, and when it last changed; microseconds since 1970. */
    readonly firstUs: number;
    readonly lastUs: number;
}

/**
 * What has become of each task of a chunk. A node's number is its place in the makeflow, counted from 0.
 *
 * A line is `time node state job …`, time in microseconds; a line that is not whole ends the log of a manager that was killed.
 */
export function historyOf(log: string): Map<number, NodeHistory> {
    const nodes = new Map<number, NodeHistory>();
    for (const line of log.split("\n")) {
        const [, time, node, number] = /^(\d{10,}) (\d+) ([0-4]) /.exec(line) ?? [];
        const state = STATES[Number(number)];
        if (time === undefined || node === undefined || state === undefined) {
            continue;
        }
        const before = nodes.get(Number(node));
        nodes.set(Number(node), {
            state,
            starts: (before?.starts ?? 0) + Number(state === "running"),
            failures: (before?.failures ?? 0) + Number(state === "failed"),
            firstUs: before?.firstUs ?? Number(time),
            lastUs: Number(time),
        });
    }
    return nodes;
}
