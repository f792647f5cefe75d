// A lock between processes: a directory, with the holder's pid and start time in it. A holder that is
// gone (killed, machine restarted) loses it.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { processBegan } from "./processes.mjs";

export async function withLock(path, work, { log } = {}) {
  mkdirSync(dirname(path), { recursive: true });
  let told = false;
  for (;;) {
    try {
      mkdirSync(path);
      break;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    if (stale(path)) {
      rmSync(path, { recursive: true, force: true });
      continue;
    }
    if (!told) log?.(`waiting for ${path}, held by ${holder(path)?.pid ?? "another process"}`);
    told = true;
    await sleep(200);
  }
  writeFileSync(join(path, "holder"), `${process.pid} ${processBegan(process.pid)}`);
  try {
    return await work();
  } finally {
    rmSync(path, { recursive: true, force: true });
  }
}

function holder(path) {
  try {
    const [pid, began] = readFileSync(join(path, "holder"), "utf8").split(" ");
    return { pid: Number(pid), began };
  } catch {
    return undefined;
  }
}

// Between mkdir and the holder's name being written there is a moment without one: give it a second.
const nameless = new Map();
function stale(path) {
  const held = holder(path);
  if (held) {
    nameless.delete(path);
    return processBegan(held.pid) !== held.began;
  }
  const since = nameless.get(path) ?? Date.now();
  nameless.set(path, since);
  return Date.now() - since > 1000;
}
