"""Copies of the state of ZooKeeper and of Mesos' masters, made on a host and checked by a real server that is started over them.

`settings` says what the part is and where it lies; it holds no secret. Standard library only: a host that has just been installed has
nothing else.
"""
import base64
import io
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.error
import urllib.request

START_SEC = 60


class Refused(Exception):
    pass


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def word(port, text, address="127.0.0.1"):
    """A four-letter word's answer; "" when there is none."""
    try:
        with socket.create_connection((address, port), 3) as peer:
            peer.settimeout(3)
            peer.sendall(text.encode())
            answer = b""
            while True:
                more = peer.recv(65536)
                if not more:
                    return answer.decode(errors="replace")
                answer += more
    except OSError:
        return ""


def field(pattern, text):
    found = re.search(pattern, text, re.M)
    return found.group(1) if found else None


def is_active(unit):
    return subprocess.run(["systemctl", "is-active", "--quiet", unit], check=False).returncode == 0


def listing(path):
    """Names, sizes and times of a directory's files, whatever comes and goes meanwhile."""
    try:
        return {name: (s.st_size, s.st_mtime_ns) for name in os.listdir(path) for s in [os.stat(os.path.join(path, name))]}
    except FileNotFoundError:
        return {}


def patiently(what, probe, process, log):
    end = time.monotonic() + START_SEC
    while True:
        value = probe()
        if value is not None:
            return value
        if process.poll() is not None or time.monotonic() > end:
            with open(log, encoding="utf8", errors="replace") as text:
                words = text.read().strip().splitlines()
            raise ValueError(f"{what}: " + " | ".join(words[-4:])[-800:])
        time.sleep(0.1)


# ------------------------------------------------------------------------------------------------ ZooKeeper


def zxid_of(name):
    return int(name.split(".", 1)[1], 16)


def zookeeper_files(names):
    """The two newest snapshots, and every log that may hold something that the older of them does not."""
    snapshots = sorted((n for n in names if re.fullmatch(r"snapshot\.[0-9a-f]+", n)), key=zxid_of)[-2:]
    logs = sorted((n for n in names if re.fullmatch(r"log\.[0-9a-f]+", n)), key=zxid_of)
    since = zxid_of(snapshots[0]) if snapshots else 0
    before = [n for n in logs if zxid_of(n) <= since][-1:]
    return snapshots + before + [n for n in logs if zxid_of(n) > since] + [n for n in ("acceptedEpoch", "currentEpoch") if n in names]


def check_zookeeper(settings, copy):
    """A real ZooKeeper, alone, over a copy of the copy: how far it comes, and what is at its top."""
    with tempfile.TemporaryDirectory(prefix="mesos-rescue-", dir="/var/tmp") as place:
        shutil.copytree(copy, f"{place}/data/version-2")
        port = free_port()
        with open(f"{place}/zoo.cfg", "w", encoding="utf8") as out:
            out.write(f"tickTime=2000\ndataDir={place}/data\nclientPort={port}\nclientPortAddress=127.0.0.1\n"
                      "admin.enableServer=false\n4lw.commands.whitelist=srvr\n")
        java = ["java", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.net.preferIPv4Stack=true", "-cp", settings["classPath"]]
        command = [*java, "org.apache.zookeeper.server.ZooKeeperServerMain", f"{place}/zoo.cfg"]
        with open(f"{place}/log", "wb") as log, subprocess.Popen(command, stdout=log, stderr=log, cwd=place) as server:
            try:
                said = patiently("ZooKeeper does not start over the copy", lambda: word(port, "srvr") if "Zxid" in word(port, "srvr") else None, server, f"{place}/log")
                client = subprocess.run([*java, "org.apache.zookeeper.ZooKeeperMain", "-server", f"127.0.0.1:{port}", "ls", "/"],
                                        capture_output=True, text=True, timeout=60, check=False, cwd=place)
            finally:
                server.kill()
        top = field(r"^\[(.*)\]$", client.stdout)
        if top is None:
            raise ValueError("the copy opens, but its top cannot be listed: " + client.stderr.strip()[-300:])
        return {"zxid": field(r"^Zxid: (0x[0-9a-f]+)", said), "nodes": int(field(r"^Node count: (\d+)", said)), "top": sorted(top.split(", "))}


def pack_zookeeper(settings, copy):
    source = os.path.join(settings["dataDir"], "version-2")
    said = word(settings["clientPort"], "srvr")
    zxid = field(r"^Zxid: (0x[0-9a-f]+)", said)
    if zxid is None and not settings.get("survivor"):
        raise Refused("ZooKeeper does not serve on this host")
    names = zookeeper_files(list(listing(source)))
    if not any(name.startswith(("snapshot.", "log.")) for name in names):
        raise Refused(f"{source} holds no data")
    for name in names:
        shutil.copy2(os.path.join(source, name), copy)
    facts = check_zookeeper(settings, copy)
    # Epochs start anew with each election: the zxid as one number grows all the same.
    if zxid is not None and int(facts["zxid"], 16) < int(zxid, 16):
        raise ValueError(f"the copy ends at {facts['zxid']}, the ensemble was at {zxid} before")
    missing = [path for path in settings["paths"] if path.strip("/").split("/")[0] not in facts["top"]]
    if missing:
        raise ValueError("the copy lacks " + ", ".join(missing))
    return facts


# ------------------------------------------------------------------------------------------------ the masters' registry


def get(url, login=None):
    request = urllib.request.Request(url)
    if login:
        request.add_header("Authorization", "Basic " + base64.b64encode(login.encode()).decode())
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return json.load(answer)
    except (urllib.error.URLError, OSError, ValueError):
        return None


def registry_facts(registry):
    """What of the registry must come back. Times and the master's own name are not part of it."""
    def ids(part):
        return sorted(one["id"]["value"] for one in registry.get(part, {}).get("slaves", []))

    return {
        "agents": sorted(
            [{"id": one["info"]["id"]["value"], "hostname": one["info"].get("hostname", "")} for one in registry.get("slaves", {}).get("slaves", [])],
            key=lambda one: one["id"]),
        "unreachable": ids("unreachable"),
        "gone": ids("gone"),
        "quotas": sorted(one.get("role", "") for one in registry.get("quota_configs", [])),
        "weights": {one["info"]["role"]: one["info"]["weight"] for one in registry.get("weights", [])},
        "windows": sum(len(one.get("windows", [])) for one in registry.get("schedules", [])),
    }


def operator_login(settings):
    try:
        with open(settings["credentials"], encoding="utf8") as text:
            for one in json.load(text)["credentials"]:
                if one["principal"] == settings["principal"]:
                    return f"{one['principal']}:{one['secret']}"
    except (OSError, ValueError, KeyError):
        pass
    return None


def live_registry(settings):
    """As the leader has it; None when this host's master does not lead."""
    base = f"http://{settings['address']}:{settings['port']}"
    login = operator_login(settings)
    metrics = get(f"{base}/metrics/snapshot", login)
    if not metrics or metrics.get("master/elected") != 1:
        return None
    return get(f"{base}/registrar(1)/registry", login)


def check_registry(settings, copy):
    """A real master over a copy of the copy, on the loopback, without ZooKeeper: what it reads there."""
    with tempfile.TemporaryDirectory(prefix="mesos-rescue-", dir="/var/tmp") as place:
        shutil.copytree(copy, f"{place}/replicated_log")
        port = free_port()
        command = [settings["program"], "--ip=127.0.0.1", f"--port={port}", f"--work_dir={place}", "--registry=replicated_log",
                   "--log_auto_initialize=false", "--hostname=localhost", "--no-hostname_lookup"]
        clean = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
        with open(f"{place}/log", "wb") as log, subprocess.Popen(command, stdout=log, stderr=log, cwd=place, env=clean) as master:
            try:
                registry = patiently("no master can read the copy", lambda: get(f"http://127.0.0.1:{port}/registrar(1)/registry") or None, master, f"{place}/log")
            finally:
                master.kill()
        return registry_facts(registry)


def pack_registry(settings, copy):
    source = os.path.join(settings["workDir"], "replicated_log")
    live = None if settings.get("survivor") else live_registry(settings)
    if live is None and not settings.get("survivor"):
        raise Refused("the master on this host does not lead")
    for _ in range(50):
        before = listing(source)
        if not before:
            raise Refused(f"{source} holds no data")
        try:
            for name in sorted(before):
                if name != "LOCK":
                    shutil.copy2(os.path.join(source, name), copy)
        except FileNotFoundError:
            before = None
        if before == listing(source):
            break
        for name in os.listdir(copy):
            os.remove(os.path.join(copy, name))
        time.sleep(0.2)
    else:
        raise ValueError(f"{source} changes too quickly for a copy")
    facts = check_registry(settings, copy)
    if live is not None and registry_facts(live) != facts and registry_facts(live_registry(settings) or {}) != facts:
        raise ValueError("the copy holds another registry than the leader")
    return facts


# ------------------------------------------------------------------------------------------------ both

PARTS = {"zookeeper": (pack_zookeeper, "zookeeper.service"), "registry": (pack_registry, "mesos-master.service")}


def place_of(settings):
    return os.path.join(settings["dataDir"], "version-2") if settings["part"] == "zookeeper" else os.path.join(settings["workDir"], "replicated_log")


def pack(settings, out):
    """Writes a copy that was checked to `out`, as tar.gz. Its first member tells what was found; so does the answer."""
    work, _ = PARTS[settings["part"]]
    # Somebody may write just now: a torn copy is found by the check, and made again.
    for attempt in (1, 2, 3):
        with tempfile.TemporaryDirectory(prefix="mesos-rescue-", dir="/var/tmp") as copy:
            try:
                facts = {"part": settings["part"], "cluster": settings["cluster"], "time": int(time.time()), **work(settings, copy)}
            except ValueError as error:
                if attempt == 3:
                    raise
                print(f"again: {error}", file=sys.stderr)
                continue
            with tarfile.open(fileobj=out, mode="w|gz", format=tarfile.PAX_FORMAT) as archive:
                text = json.dumps(facts).encode()
                head = tarfile.TarInfo("part.json")
                head.size = len(text)
                archive.addfile(head, io.BytesIO(text))
                for name in sorted(os.listdir(copy)):
                    archive.add(os.path.join(copy, name), arcname=f"data/{name}", recursive=False)
            return facts


def part_now(settings):
    """Whether the part serves on this host, and leads."""
    if settings["part"] == "zookeeper":
        mode = field(r"^Mode: (\S+)", word(settings["clientPort"], "srvr"))
        return {"serves": mode is not None, "leads": mode in ("leader", "standalone")}
    metrics = get(f"http://{settings['address']}:{settings['port']}/metrics/snapshot", operator_login(settings)) or {}
    leads = metrics.get("master/elected") == 1
    return {"serves": leads or metrics.get("registrar/log/recovered") == 1, "leads": leads}
