#!/usr/bin/env python3
"""What has to be done on a host to copy the state of ZooKeeper or of Mesos' masters, and to put a copy in its place.

    mesos_rescue.py look SETTINGS    how the part is on this host, as JSON
    mesos_rescue.py pack SETTINGS    a checked copy as tar.gz on standard output; what was found, as JSON, is its first member
    mesos_rescue.py done SETTINGS    forgets that a copy was put in its place
    mesos_rescue.py stop|restart SETTINGS    the part's service, if it is there
    mesos_rescue.py read SETTINGS    the texts of files, as JSON
    mesos_rescue.py agent SETTINGS   the id that the agent on this host will come back with, as JSON; "" when it has none
    mesos_rescue.py seed SETTINGS    puts a tar.gz from standard input where a service that does not run yet will find it

SETTINGS is JSON in base64 and holds no secret. Standard library only: a host that has just been installed has nothing else.
Exit status 3: refused, and nothing was touched; the reason is the last line of standard error.
"""
import base64
import json
import os
import pwd
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time

from mesos_copies import PARTS, Refused, is_active, listing, pack, part_now, place_of

MARKERS = "/var/lib/pulumi-mesos/restored"


def marker(settings):
    return os.path.join(MARKERS, settings["part"])


def look(settings):
    _, unit = PARTS[settings["part"]]
    try:
        with open(marker(settings), encoding="utf8") as text:
            restored = text.read().strip()
    except OSError:
        restored = ""
    print(json.dumps({**part_now(settings), "active": is_active(unit), "data": bool(listing(place_of(settings))), "restored": restored}))


def owner_of(settings):
    name = settings.get("user", "root")
    try:
        return pwd.getpwnam(name)
    except KeyError:
        # As the service's own set-up would make it, only sooner.
        home = settings["dataDir"]
        subprocess.run(["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", home, "--shell", "/usr/sbin/nologin", name], check=True)
        return pwd.getpwnam(name)


def write_sparse(source, out):
    """ZooKeeper makes its logs 64 MiB long from the start: what has not been written yet need not be written now."""
    while True:
        chunk = source.read(1 << 20)
        if not chunk:
            out.truncate()
            return
        if chunk.count(0) == len(chunk):
            out.seek(len(chunk), os.SEEK_CUR)
        else:
            out.write(chunk)


def seed(settings):
    _, unit = PARTS[settings["part"]]
    place = place_of(settings)
    try:
        with open(marker(settings), encoding="utf8") as text:
            if text.read().strip() == settings["id"] and listing(place):
                sys.stdin.buffer.read()
                print(json.dumps({"seeded": False}))
                return
    except OSError:
        pass
    if listing(place) and not settings.get("replace"):
        raise Refused(f"{place} holds data already")
    if is_active(unit):
        if not settings.get("replace"):
            raise Refused(f"{unit} runs")
        subprocess.run(["systemctl", "stop", unit], check=True)
    owner = owner_of(settings)
    group = owner.pw_gid
    parent = os.path.dirname(place)
    if not os.path.isdir(parent):
        os.makedirs(parent, 0o755)
        os.chown(parent, owner.pw_uid, group)
        os.chmod(parent, 0o750)
    fresh = tempfile.mkdtemp(prefix=".restoring-", dir=parent)
    try:
        with tarfile.open(fileobj=sys.stdin.buffer, mode="r|gz") as archive:
            for member in archive:
                name = member.name[len("data/"):]
                if not member.isfile() or not member.name.startswith("data/") or "/" in name or name.startswith("."):
                    continue
                target = os.path.join(fresh, name)
                with open(target, "wb") as out:
                    write_sparse(archive.extractfile(member), out)
                    out.flush()
                    os.fsync(out.fileno())
                os.chown(target, owner.pw_uid, group)
                os.chmod(target, 0o640)
        os.chown(fresh, owner.pw_uid, group)
        os.chmod(fresh, 0o750)
        if os.path.isdir(place):
            # Never deleted: somebody may know better later.
            os.rename(place, f"{place}.before-{int(time.time())}")
        os.rename(fresh, place)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    os.makedirs(MARKERS, 0o755, exist_ok=True)
    with open(marker(settings), "w", encoding="utf8") as out:
        out.write(settings["id"] + "\n")
    print(json.dumps({"seeded": True}))


def done(settings):
    if os.path.exists(marker(settings)):
        os.remove(marker(settings))
    print("{}")


def read(settings):
    texts = {}
    for path in settings["paths"]:
        try:
            with open(path, encoding="utf8") as text:
                texts[path] = text.read()
        except OSError:
            pass
    print(json.dumps(texts))


def control(verb):
    def work(settings):
        _, unit = PARTS[settings["part"]]
        if subprocess.run(["systemctl", "cat", unit], capture_output=True, check=False).returncode == 0:
            subprocess.run(["systemctl", verb, unit], check=True)
        print("{}")
    return work


def agent(settings):
    latest = os.path.join(settings["workDir"], "meta", "slaves", "latest")
    print(json.dumps(os.path.basename(os.readlink(latest)) if os.path.islink(latest) else ""))


def main():
    verb, text = sys.argv[1:]
    settings = json.loads(base64.b64decode(text))
    verbs = {"look": look, "pack": lambda given: pack(given, sys.stdout.buffer), "seed": seed, "done": done, "read": read, "agent": agent,
             "stop": control("stop"), "restart": control("restart")}
    try:
        verbs[verb](settings)
    except (Refused, ValueError, OSError, subprocess.SubprocessError, tarfile.TarError) as error:
        print(str(error), file=sys.stderr)
        sys.exit(3 if isinstance(error, Refused) else 1)


if __name__ == "__main__":
    main()
