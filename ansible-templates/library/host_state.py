#!/usr/bin/python3
"""What a host is like, and how to make it as it was planned: users, directories, files and units.

The one file serves two callers, so that both mean the same by "as planned":

* the plugin pipes it through SSH to look (``python3 - <<< inspect(request)``): nothing but the standard library is needed;
* Ansible runs it as the module ``host_state`` to change what differs.

It takes no decisions: what should be there comes in the request, in what order hosts are changed is the plugin's affair.
"""
import base64
import grp
import hashlib
import json
import os
import pwd
import shutil
import stat
import subprocess
import sys
import tarfile
import tempfile
import time

STATE = "/var/lib/pulumi-mesos"


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def read_bytes(path):
    try:
        with open(path, "rb") as f:
            return f.read()
    except (FileNotFoundError, NotADirectoryError):
        return None


def name_of(lookup, number):
    try:
        return lookup(number)[0]
    except KeyError:
        return str(number)


def file_state(path):
    data = read_bytes(path)
    if data is None:
        return None, None
    s = os.stat(path)
    return {
        "sha256": sha256(data),
        "mode": "%04o" % stat.S_IMODE(s.st_mode),
        "owner": name_of(pwd.getpwuid, s.st_uid),
        "group": name_of(grp.getgrgid, s.st_gid),
    }, data


def run(*argv):
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
                          universal_newlines=True, check=False)
    return done.returncode, done.stdout, done.stderr.strip()


def must(*argv):
    code, out, err = run(*argv)
    if code:
        raise RuntimeError("%s: %s" % (" ".join(argv), (err or out.strip())[-800:] or "exit status %d" % code))
    return out


def package_versions(names):
    """Installed version by package name; a package that is not installed is left out."""
    if not names:
        return {}
    found = {}
    if shutil.which("dpkg-query"):
        out = run("dpkg-query", "-W", "-f", "${Package} ${db:Status-Status} ${Version}\n", *names)[1]
        for line in out.splitlines():
            name, status, version = (line.split(" ", 2) + ["", ""])[:3]
            if status == "installed":
                found[name] = version
    elif shutil.which("rpm"):
        for name in names:
            code, out, _ = run("rpm", "-q", "--qf", "%{VERSION}-%{RELEASE}", name)
            if code == 0:
                found[name] = out
    return found


def artifact_stamp(sha256):
    return "%s/artifacts/%s" % (STATE, sha256)


def stamp_artifact(artifact, path):
    """Notes what the installed file has brought, so that the next look sees whether it is still there."""
    if artifact["kind"] == "tarball":
        with tarfile.open(path) as archive:
            brought = {"prefix": artifact["prefix"], "files": sorted(m.name for m in archive if not m.isdir())}
    elif shutil.which("dpkg-deb"):
        name, version = must("dpkg-deb", "-W", "--showformat", "${Package}\n${Version}", path).split("\n")[:2]
        brought = {"package": name, "version": version}
    else:
        name, version = must("rpm", "-qp", "--qf", "%{NAME}\n%{VERSION}-%{RELEASE}", path).split("\n")[:2]
        brought = {"package": name, "version": version}
    write_file(artifact_stamp(artifact["sha256"]), json.dumps(brought).encode(),
               {"mode": "0644", "owner": "root", "group": "root"})


def artifact_present(sha256):
    """Whether what it has brought is there: a stamp alone would not notice a package that somebody took off."""
    try:
        brought = json.loads(read_bytes(artifact_stamp(sha256)) or b"")
    except ValueError:
        return False
    if "package" in brought:
        return package_versions([brought["package"]]).get(brought["package"]) == brought["version"]
    return all(os.path.lexists(os.path.join(brought["prefix"], name)) for name in brought["files"])


def unit_states(names):
    if not names:
        return {}
    out = run("systemctl", "show", "-p", "Id,LoadState,ActiveState,SubState,UnitFileState", *names)[1]
    states = {}
    for block in out.split("\n\n"):
        p = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if p.get("Id"):
            states[p["Id"]] = {
                "enabled": p.get("UnitFileState") == "enabled",
                "active": p.get("ActiveState") in ("active", "activating", "reloading"),
                "state": "%s (%s)" % (p.get("ActiveState"), p.get("SubState")),
            }
    return states


def running_config(request, unit, versions):
    """Digest of all that a unit reads at its start: the files it restarts on and the packages it comes from."""
    parts = [[path, sha256(read_bytes(path) or b"")] for path in sorted(unit["restartOn"])]
    parts += [[p["name"], versions.get(p["name"])] for p in request.get("packages", [])]
    parts += [a["sha256"] for a in request.get("artifacts", [])]
    return sha256(json.dumps(parts).encode())


def stamp_path(name):
    return "%s/units/%s" % (STATE, name)


def stamp(name):
    """The digest with which the unit was last started by us. A run that was cut off after writing a file and before the
    restart leaves the old one, so the next run knows that a restart is still owed."""
    data = read_bytes(stamp_path(name))
    return data.decode() if data else None


def filesystem(device):
    """What the device holds: {} when it is blank; else at least one of TYPE, PTTYPE, UUID, or "unreadable"."""
    code, out, err = run("blkid", "-p", "-o", "export", device)
    found = dict(line.split("=", 1) for line in out.splitlines() if "=" in line)
    found.pop("DEVNAME", None)
    if found:
        return found
    if code == 2 and not run("wipefs", "-n", "-p", device)[1].strip():
        return {}
    return {"unreadable": (err.strip() or "several signatures")[-200:]}


def volume_device(volume):
    """The attached disk. Its serial number begins with the volume's id (virtio keeps 20 characters of it); where the host has
    no such names, as a container, it is where Nova has put it."""
    by_id = "/dev/disk/by-id"
    for name in sorted(os.listdir(by_id)) if os.path.isdir(by_id) else []:
        if volume["id"][:20] in name and "-part" not in name:
            return os.path.realpath(os.path.join(by_id, name))
    code, out, _ = run("blkid", "-U", volume["id"])
    if code == 0 and os.path.exists(out.strip()):
        return out.strip()
    try:
        return volume["device"] if stat.S_ISBLK(os.stat(volume["device"]).st_mode) else None
    except OSError:
        return None


def mounted_on(path):
    """The source of what is mounted there last, or None."""
    source = None
    for line in (read_bytes("/proc/self/mountinfo") or b"").decode(errors="replace").splitlines():
        left, _, right = line.partition(" - ")
        if left.split()[4] == path:
            source = right.split()[1]
    return source


def in_words(found):
    if "unreadable" in found:
        return "it cannot be read (%s)" % found["unreadable"]
    what = found.get("TYPE") or "a partition table (%s)" % found.get("PTTYPE", "unknown")
    return "it holds %s, labelled %s, UUID %s" % (what, found.get("LABEL", "-"), found.get("UUID", "-"))


def volume_state(volume):
    """mounted, formatted (ours, not mounted), blank, foreign (never touched) or missing; with words for people."""
    source = mounted_on(volume["mount"])
    if source is not None:
        found = filesystem(source) if source.startswith("/dev/") else {}
        if found.get("UUID", "").lower() == volume["id"].lower():
            return {"state": "mounted", "detail": source}
        return {"state": "foreign", "detail": "%s is mounted on %s" % (source, volume["mount"])}
    device = volume_device(volume)
    if device is None:
        return {"state": "missing", "detail": volume["device"]}
    found = filesystem(device)
    if not found:
        return {"state": "blank", "detail": device}
    if found.get("UUID", "").lower() == volume["id"].lower():
        return {"state": "formatted", "detail": device}
    return {"state": "foreign", "detail": in_words(found)}


def mount_volume(volume, changes):
    """Formats what is blank and nothing else, and mounts it now and at every boot. The filesystem has the volume's own id."""
    state = volume_state(volume)
    if state["state"] == "mounted":
        return
    if state["state"] in ("foreign", "missing"):
        raise RuntimeError("the data volume %s is left as it is: %s (%s)" % (volume["id"], state["state"], state["detail"]))
    device, kind = state["detail"], volume["filesystem"]
    if state["state"] == "blank":
        if shutil.which("mkfs." + kind) is None:
            raise RuntimeError("the host has no mkfs.%s; install %s" % (kind, "xfsprogs" if kind == "xfs" else "e2fsprogs"))
        if kind == "xfs":
            must("mkfs.xfs", "-q", "-m", "uuid=" + volume["id"], device)
        else:
            must("mkfs.ext4", "-q", "-m", "1", "-U", volume["id"], device)
        changes.append("data volume formatted (%s)" % kind)
        if shutil.which("udevadm"):
            run("udevadm", "settle", "--timeout=10")
    # By the filesystem's id wherever the host has such names: disks may come in another order after a reboot.
    by_uuid = "/dev/disk/by-uuid/" + volume["id"]
    unit = must("systemd-escape", "--path", "--suffix=mount", volume["mount"]).strip()
    text = ("# Written by pulumi-mesos.\n[Unit]\nDescription=Data volume %s\n\n[Mount]\nWhat=%s\nWhere=%s\nType=%s\n\n"
            # Not part of local-fs.target: a host whose volume is missing boots, and only what is on it does not start.
            "[Install]\nWantedBy=multi-user.target\n"
            % (volume["id"], by_uuid if os.path.exists(by_uuid) else device, volume["mount"], kind))
    os.makedirs(volume["mount"], exist_ok=True)
    write_file("/etc/systemd/system/" + unit, text.encode(), {"mode": "0644", "owner": "root", "group": "root"})
    must("systemctl", "daemon-reload")
    must("systemctl", "-q", "enable", unit)
    must("systemctl", "restart", unit)
    state = volume_state(volume)
    if state["state"] != "mounted":
        raise RuntimeError("the data volume %s is not mounted on %s: %s" % (volume["id"], volume["mount"], state["detail"]))
    changes.append("data volume mounted on %s" % volume["mount"])


def release_volume(volume, changes):
    """Everything is on the disk before it is taken away. A service that is still there keeps it mounted."""
    os.sync()
    if mounted_on(volume["mount"]) is not None and run("umount", volume["mount"])[0] == 0:
        changes.append("data volume unmounted")


def existing_parent(path):
    while not os.path.isdir(path):
        path = os.path.dirname(path)
    return path


def inspect(request):
    versions = package_versions([p["name"] for p in request.get("packages", [])])
    files, contents = {}, {}
    for path, want in request.get("files", {}).items():
        state, data = file_state(path)
        files[path] = state
        if state and state["sha256"] != want["sha256"] and len(data) < 1 << 20:
            contents[path] = base64.b64encode(data).decode()
    directories = {}
    for path in request.get("directories", {}):
        if os.path.isdir(path):
            s = os.stat(path)
            directories[path] = {"mode": "%04o" % stat.S_IMODE(s.st_mode), "owner": name_of(pwd.getpwuid, s.st_uid),
                                 "group": name_of(grp.getgrgid, s.st_gid)}
    users = {}
    for user in request.get("users", []):
        try:
            users[user["name"]] = pwd.getpwnam(user["name"]).pw_uid
        except KeyError:
            pass
    units = unit_states(list(request.get("units", {})))
    for name, unit in request.get("units", {}).items():
        if name in units:
            units[name]["stale"] = bool(units[name]["active"] and
                                        stamp(name) != running_config(request, unit, versions))
    release = {}
    for line in (read_bytes("/etc/os-release") or b"").decode().splitlines():
        key, _, value = line.partition("=")
        release[key] = value.strip().strip('"')
    free = {}
    for path in request.get("freeMiB", {}):
        free[path] = shutil.disk_usage(existing_parent(path)).free >> 20
    return {
        "os": release.get("ID", "unknown"), "osVersion": release.get("VERSION_ID", ""),
        "osName": release.get("PRETTY_NAME", "an unknown system"),
        "uid": os.getuid(), "systemd": os.path.isdir("/run/systemd/system"), "time": time.time(),
        "cgroup": "v2" if os.path.exists("/sys/fs/cgroup/cgroup.controllers") else "v1",
        "freeMiB": free, "packages": versions, "files": files, "contents": contents, "directories": directories,
        "users": users, "units": units,
        "artifacts": [a["sha256"] for a in request.get("artifacts", []) if artifact_present(a["sha256"])],
        "present": [p for p in request.get("probe", []) if os.path.exists(p)],
        **({"volume": volume_state(request["volume"])} if request.get("volume") else {}),
    }


def make_directory(path, mode="0755", owner="root", group="root"):
    os.makedirs(path, exist_ok=True)
    os.chmod(path, int(mode, 8))
    shutil.chown(path, owner, group)


def write_file(path, data, want):
    """All or nothing: a power cut leaves the old file or the new one, never half of it."""
    parent = os.path.dirname(path)
    if not os.path.isdir(parent):
        make_directory(parent)
    fd, temporary = tempfile.mkstemp(prefix=".pulumi-mesos-", dir=parent)
    try:
        with os.fdopen(fd, "wb") as f:
            os.fchmod(f.fileno(), int(want["mode"], 8))
            os.fchown(f.fileno(), pwd.getpwnam(want["owner"]).pw_uid, grp.getgrnam(want["group"]).gr_gid)
            f.write(data)
            f.flush()
            os.fsync(f.fileno())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def apply_files(request, changes):
    if request.get("volume"):
        mount_volume(request["volume"], changes)
    for user in request.get("users", []):
        try:
            pwd.getpwnam(user["name"])
        except KeyError:
            argv = ["useradd", "--system", "--user-group", "--shell", "/usr/sbin/nologin", "--no-create-home"]
            argv += ["--uid", str(user["uid"])] if user.get("uid") else []
            argv += ["--home-dir", user["home"]] if user.get("home") else []
            must(*argv, user["name"])
            changes.append("user %s made" % user["name"])
    for path, want in sorted(request.get("directories", {}).items()):
        s = os.stat(path) if os.path.isdir(path) else None
        now = s and ("%04o" % stat.S_IMODE(s.st_mode), name_of(pwd.getpwuid, s.st_uid), name_of(grp.getgrgid, s.st_gid))
        if now != (want["mode"], want["owner"], want["group"]):
            make_directory(path, want["mode"], want["owner"], want["group"])
            changes.append("directory %s" % path)
    written = set()
    for path, want in sorted(request.get("files", {}).items()):
        there = file_state(path)[0]
        if there != want:
            write_file(path, base64.b64decode(request["contents"][path]), want)
            # Owner or mode alone is no reason to restart a service.
            if not there or there["sha256"] != want["sha256"]:
                written.add(path)
            changes.append("file %s" % path)
    return written


def apply_units(request, written, changes):
    units = request.get("units", {})
    if any(path.startswith("/etc/systemd/") for path in written):
        must("systemctl", "daemon-reload")
    versions = package_versions([p["name"] for p in request.get("packages", [])])
    states = unit_states(list(units))
    for name, unit in units.items():
        state = states.get(name, {"enabled": False, "active": False})
        if state["enabled"] != unit["enabled"]:
            must("systemctl", "-q", "enable" if unit["enabled"] else "disable", name)
            changes.append("unit %s %s" % (name, "enabled" if unit["enabled"] else "disabled"))
        digest = running_config(request, unit, versions)
        if not unit["active"]:
            if state["active"]:
                must("systemctl", "stop", name)
                changes.append("unit %s stopped" % name)
            continue
        stale = stamp(name) != digest or written.intersection(unit["restartOn"])
        if not state["active"] or stale or request.get("forget"):
            if request.get("forget"):
                must("systemctl", "stop", name)
                for path in request["forget"]:
                    forget(path)
                    changes.append("put %s aside" % path)
            run("systemctl", "reset-failed", name)
            must("systemctl", "restart", name)
            os.makedirs(os.path.dirname(stamp_path(name)), exist_ok=True)
            write_file(stamp_path(name), digest.encode(), {"mode": "0644", "owner": "root", "group": "root"})
            changes.append("unit %s %s" % (name, "restarted" if state["active"] else "started"))


def forget(path):
    """A link is removed; what holds data is moved aside, so that nothing is lost that somebody may still want."""
    if os.path.isdir(path) and not os.path.islink(path):
        os.rename(path, "%s.before-%d" % (path, time.time()))
    elif os.path.lexists(path):
        os.unlink(path)


def remove(request, changes):
    """Takes the service off the host. Data directories, users and packages stay: a host is released, never wiped."""
    for name in request.get("units", {}):
        if run("systemctl", "cat", name)[0] == 0:
            must("systemctl", "-q", "disable", "--now", name)
            changes.append("unit %s stopped and disabled" % name)
        if os.path.exists(stamp_path(name)):
            os.unlink(stamp_path(name))
    for path in request.get("files", {}):
        if os.path.lexists(path):
            os.unlink(path)
            changes.append("removed %s" % path)
    for path in request.get("forget", []):
        if os.path.lexists(path):
            forget(path)
            changes.append("put %s aside" % path)
    must("systemctl", "daemon-reload")
    if request.get("volume"):
        release_volume(request["volume"], changes)


def stop_left(request, changes):
    """Units that the service has no more. Before the others start: they may hold their ports."""
    for name in request.get("left", {}).get("units", []):
        if run("systemctl", "cat", name)[0] == 0:
            must("systemctl", "-q", "disable", "--now", name)
            changes.append("unit %s stopped and disabled" % name)
        if os.path.exists(stamp_path(name)):
            os.unlink(stamp_path(name))


def remove_left(request, changes):
    """Files that the service has no more. After it runs without them."""
    gone = [path for path in request.get("left", {}).get("files", []) if os.path.lexists(path)]
    for path in gone:
        os.unlink(path)
        changes.append("removed %s" % path)
    if any(path.startswith("/etc/systemd/") for path in gone):
        must("systemctl", "daemon-reload")


def converge(request, phase):
    changes = []
    written_list = STATE + "/written"
    if phase == "remove":
        remove(request, changes)
        return changes
    written = set()
    if phase in ("files", "all"):
        written = apply_files(request, changes)
    if phase == "files":
        # The units phase follows in a process of its own, after the packages.
        os.makedirs(STATE, exist_ok=True)
        write_file(written_list, json.dumps(sorted(written)).encode(), {"mode": "0600", "owner": "root", "group": "root"})
    if phase in ("units", "all"):
        if phase == "units":
            written = set(json.loads(read_bytes(written_list) or b"[]"))
        stop_left(request, changes)
        apply_units(request, written, changes)
        remove_left(request, changes)
        if phase == "units" and os.path.exists(written_list):
            os.unlink(written_list)
    return changes


def main():
    from ansible.module_utils.basic import AnsibleModule
    module = AnsibleModule(argument_spec={
        "request": {"type": "dict", "required": True},
        "contents": {"type": "dict", "default": {}, "no_log": True},
        "phase": {"type": "str", "choices": ["files", "units", "all", "remove", "stamp"], "required": True},
    })
    request = dict(module.params["request"], contents=module.params["contents"])
    try:
        if module.params["phase"] == "stamp":
            stamp_artifact(request["artifact"], request["path"])
            module.exit_json(changed=False)
        changes = converge(request, module.params["phase"])
    except (OSError, KeyError, RuntimeError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=bool(changes), changes=changes)


if __name__ == "__main__":
    main()
