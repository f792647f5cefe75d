// Processes by pid, verified: a number in a file may belong to someone else by now.
import { readFileSync } from "node:fs";

/** The start time of a process in clock ticks since boot, with the boot's id; "" when there is none. */
export function processBegan(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (fields[0] === "Z") return "";
    return `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim().slice(0, 8)}-${fields[19]}`;
  } catch {
    return "";
  }
}

/** The command line of a process, arguments joined by blanks; "" when it is gone or a zombie. */
export function commandLine(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
  } catch {
    return "";
  }
}

/** The pid in a pid file, if that process runs and its command line holds `marks`, else undefined. */
export function livePid(pidFile, ...marks) {
  let pid;
  try {
    pid = Number(readFileSync(pidFile, "utf8").trim());
  } catch {
    return undefined;
  }
  const line = pid > 1 ? commandLine(pid) : "";
  return line && marks.every((mark) => line.includes(mark)) ? pid : undefined;
}

/** Signals a process; true when there was one. */
export function signal(pid, name) {
  try {
    process.kill(pid, name);
    return true;
  } catch (error) {
    if (error.code === "ESRCH") return false;
    throw error;
  }
}
