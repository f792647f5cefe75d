// The bridge that the hosts hang on, and the server of their packages.
import { spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { livePid } from "../../toolchain/processes.mjs";
import { Failure, run, say } from "../../toolchain/steps.mjs";

export async function ensureNetwork(settings) {
  const ip = (...args) => run("ip", args);
  const { stdout } = await ip("-j", "-4", "addr", "show");
  for (const { ifname, addr_info: addresses } of JSON.parse(stdout)) {
    if (ifname !== settings.bridge && addresses.some((a) => a.local?.startsWith(`${settings.net}.`)))
      throw new Failure(`the network ${settings.net}.0/24 is in use on ${ifname}: set PULUMI_MESOS_LAB_NET to a free one`);
  }
  if (!existsSync(`/sys/class/net/${settings.bridge}`))
    await ip("link", "add", settings.bridge, "type", "bridge", "stp_state", "0", "forward_delay", "0");
  await ip("addr", "replace", `${settings.gateway}/24`, "dev", settings.bridge);
  await ip("link", "set", settings.bridge, "up");
}

/** Watches that root's programs may have: each host's systemd takes about a dozen, and they all count as this machine's root. */
const watches = { file: "/proc/sys/fs/inotify/max_user_instances", least: 1024 };

/** Without enough of them a host stays in the middle of its boot, with nothing to be seen from outside. Never lowered. */
export function ensureWatches({ file, least } = watches) {
  if (Number(readFileSync(file, "utf8")) < least) writeFileSync(file, `${least}\n`);
}

export const serverPid = (settings) => livePid(join(settings.dir, "server.pid"), "http.server", settings.repository);

export async function ensureServer(settings) {
  if (serverPid(settings)) return;
  const args = ["-m", "http.server", "--protocol", "HTTP/1.1", "--bind", settings.gateway, "--directory", settings.repository, String(settings.port)];
  background("/usr/bin/python3", args, { pidFile: join(settings.dir, "server.pid"), logFile: join(settings.logs, "server.log") });
  for (let i = 0; i < 100; i++) {
    if (await answers(settings.gateway, settings.port)) return;
    if (i > 5 && !serverPid(settings)) break;
    await sleep(100);
  }
  throw new Failure(`the package server does not answer on ${settings.gateway}:${settings.port}; see ${join(settings.logs, "server.log")}`);
}

export function background(file, args, { pidFile, logFile, env = process.env }) {
  mkdirSync(dirname(logFile), { recursive: true });
  const log = openSync(logFile, "a");
  const child = spawn(file, args, { detached: true, stdio: ["ignore", log, log], env, cwd: "/" });
  closeSync(log);
  child.on("error", (error) => say(`${file}: ${error.message}`));
  child.unref();
  if (child.pid) writeFileSync(pidFile, `${child.pid}\n`);
}

/** True when something accepts a connection there within a second: a dead host answers nothing at all. */
export function answers(host, port, timeout = 1000) {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout });
    const end = (result) => (socket.destroy(), resolve(result));
    socket.on("connect", () => end(true)).on("error", () => end(false)).on("timeout", () => end(false));
  });
}
