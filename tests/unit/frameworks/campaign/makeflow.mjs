#!/usr/bin/env node
// Does with a makeflow what the real one was seen to do (CCTools 9.9-2): runs rules when their inputs are there, keeps a log by
// which it goes on, tries failed rules again, puts what they leave aside, ends with status 0 all the same.
// MAKEFLOW_DIES_AFTER=N: is killed after N rules.
import { spawnSync } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { basename, dirname } from "node:path";

const file = process.argv.at(-1);
const retries = Number(process.argv[process.argv.indexOf("-r") + 1]);
const log = `${file}.makeflowlog`;
const rules = Array.from(
    readFileSync(file, "utf8").matchAll(/^(\S+) (\S+): (.*)\n\t(.*)$/gm),
    ([, output, taskLog, needs, command]) => ({ output, taskLog, needs: needs.split(" "), command }),
);
const states = new Map();
const set = (node, state) => {
    states.set(node, state);
    appendFileSync(log, `${Date.now()}000 ${node} ${state} 1 0 0 0 0 0 ${rules.length}\n`);
};
if (existsSync(log))
    for (const line of readFileSync(log, "utf8").split("\n")) {
        const [, node, state] = line.split(" ");
        if (/^\d+ \d+ \d/.test(line)) states.set(Number(node), Number(state));
    }
for (const [node, state] of states) if (state !== 2) set(node, 0);
let left = Number(process.env.MAKEFLOW_DIES_AFTER ?? Infinity);
const tries = new Map();
for (let progress = true; progress;) {
    progress = false;
    for (const [node, { output, taskLog, needs, command }] of rules.entries()) {
        if (states.get(node) === 2 || states.get(node) === 3 || !needs.every((path) => existsSync(path))) continue;
        progress = true;
        set(node, 1);
        if (left-- <= 0) process.kill(process.pid, "SIGKILL");
        rmSync(`makeflow.failed.${node}`, { recursive: true, force: true });
        const { status } = spawnSync("/bin/sh", ["-c", command]);
        if (status === 0 && existsSync(output)) {
            set(node, 2);
            continue;
        }
        mkdirSync(`makeflow.failed.${node}/${dirname(taskLog)}`, { recursive: true });
        if (existsSync(taskLog))
            renameSync(taskLog, `makeflow.failed.${node}/${dirname(taskLog)}/${basename(taskLog)}`);
        set(node, 3);
        tries.set(node, (tries.get(node) ?? 0) + 1);
        if (tries.get(node) <= retries) set(node, 0);
    }
}
