"""What a command costs, its whole process tree included: measure.py REPORT.json COMMAND…

CPU seconds are the kernel's own sums (user and system) of every process of the tree: this process is their "subreaper", so
those whose parent has ended are counted too. Beside that the tree is sampled: peak memory is the largest sum of resident
sets seen at one moment (what processes share is counted in each), and each process's own CPU and peak are kept by kind.
Processes that the command leaves behind (ssh's ControlPersist) are waited for a moment, then counted as they stand.
"""
import ctypes
import json
import os
import resource
import subprocess
import sys
import threading
import time

INTERVAL = 0.05
PAGE = os.sysconf("SC_PAGE_SIZE")
TICK = os.sysconf("SC_CLK_TCK")
PR_SET_CHILD_SUBREAPER = 36


def children(pid):
    try:
        for task in os.listdir("/proc/%d/task" % pid):
            with open("/proc/%d/task/%s/children" % (pid, task)) as f:
                yield from map(int, f.read().split())
    except (OSError, ValueError):
        return


def tree(root):
    todo, seen = [root], []
    while todo:
        for child in children(todo.pop()):
            seen.append(child)
            todo.append(child)
    return seen


def kind(line):
    if "pulumi-resource-mesos" in line or "bin/plugin/plugin.js" in line:
        return "plugin mesos"
    if "pulumi-resource-openstack" in line:
        return "plugin openstack"
    if "pulumi-language-nodejs" in line:
        return "language host"
    if "cmd/run" in line:
        return "program"
    words = line.split()
    name = os.path.basename(words[0]) if words else "?"
    if name.startswith("node"):
        return "node, other"
    if "ansible" in line:
        return "ansible"
    return {"pulumi": "engine"}.get(name, name)


def main():
    report, argv = sys.argv[1], sys.argv[2:]
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    seen, peak, stop = {}, [0], threading.Event()

    def sample():
        total = 0
        for pid in tree(os.getpid()):
            try:
                with open("/proc/%d/stat" % pid) as f:
                    fields = f.read().rpartition(")")[2].split()
                with open("/proc/%d/cmdline" % pid, "rb") as f:
                    line = f.read().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            rss = int(fields[21]) * PAGE
            total += rss
            entry = seen.setdefault((pid, fields[19]), {"kind": "?", "cpu": 0, "peak": 0})
            if line.strip():
                entry["kind"] = kind(line)
            entry["cpu"] = (int(fields[11]) + int(fields[12])) / TICK
            entry["peak"] = max(entry["peak"], rss)
        peak[0] = max(peak[0], total)

    def watch():
        while not stop.wait(INTERVAL):
            sample()

    thread = threading.Thread(target=watch)
    begun = time.monotonic()
    child = subprocess.Popen(argv, stdin=subprocess.DEVNULL)
    thread.start()
    # Not child.wait(): a zombie keeps its CPU time readable for a last sample.
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    wall = time.monotonic() - begun
    stop.set()
    thread.join()
    sample()
    code = child.wait()
    deadline = time.monotonic() + 1
    left = 0.0
    while time.monotonic() < deadline:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            break
        if pid == 0:
            time.sleep(0.02)
    for pid in tree(os.getpid()):
        try:
            with open("/proc/%d/stat" % pid) as f:
                fields = f.read().rpartition(")")[2].split()
            left += sum(map(int, fields[11:15])) / TICK
        except OSError:
            pass
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    kinds = {}
    for entry in seen.values():
        one = kinds.setdefault(entry["kind"], {"cpu": 0, "peakMiB": 0, "processes": 0})
        one["cpu"] = round(one["cpu"] + entry["cpu"], 2)
        one["peakMiB"] = max(one["peakMiB"], round(entry["peak"] / 2**20, 1))
        one["processes"] += 1
    with open(report, "w") as f:
        json.dump({"code": code, "wall": round(wall, 3), "cpu": round(usage.ru_utime + usage.ru_stime + left, 3),
                   "peakMiB": round(peak[0] / 2**20, 1), "kinds": kinds}, f)
    sys.exit(code if code >= 0 else 128 - code)


main()
