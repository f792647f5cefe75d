#!/usr/bin/env python3
"""A backup of what this host leads: ZooKeeper's data, the masters' registry. For a timer on every host that has either.

    mesos_backup.py SETTINGS-FILE    does nothing where others lead, so that each part is kept once

The copy is checked by a real server, sealed to the recipients' public keys, written, read back and compared; only then are older ones
removed. It is a folder CLUSTER-TIME-PART with manifest.json and PART.age, as `npm run restore` reads it. Exit status 0: everything
that this host leads is kept; 1: something is not, the reason is on standard error.
"""
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time

from mesos_copies import Refused, pack, part_now
from mesos_stores import StoreError, store_of

LAST = "/var/lib/pulumi-mesos/backup"
METRICS = "/var/lib/prometheus/node-exporter"


def sealed(settings, part):
    """The encrypted copy, and what was found in it. Nothing but the sealed file leaves this function."""
    with tempfile.TemporaryFile(dir="/var/tmp") as out:
        recipients = [word for key in settings["recipients"] for word in ("-r", key)]
        with subprocess.Popen(["age", *recipients], stdin=subprocess.PIPE, stdout=out, stderr=subprocess.PIPE) as age:
            try:
                facts = pack(part, age.stdin)
            finally:
                try:
                    age.stdin.close()
                except BrokenPipeError:
                    pass
            words = age.stderr.read().decode(errors="replace").strip()
        if age.returncode != 0:
            raise ValueError(f"age: {words}")
        out.seek(0)
        return out.read(), facts


def outdated(names, cluster, part, keep):
    """Folders of this part that are more than `keep`; others' are left alone."""
    own = sorted(name for name in names if re.fullmatch(rf"{re.escape(cluster)}-\d{{8}}T\d{{6}}Z-{part}", name))
    return own[:max(0, len(own) - keep)]


def manifest_of(settings, part, at, content, facts):
    found = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content), "host": settings["host"], "facts": facts}
    return {"format": 1, "cluster": settings["cluster"], "time": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", at),
            "recipients": settings["recipients"], "parts": {part: found}}


def check(store, folder, part, recipients):
    """As it will be read one day: the manifest, the checksum, and whether age would ask for one of these keys."""
    manifest = json.loads(store.read(folder, "manifest.json"))
    content = store.read(folder, f"{part}.age")
    if hashlib.sha256(content).hexdigest() != manifest["parts"][part]["sha256"]:
        raise ValueError(f"{folder}/{part}.age is not what was written: is the disk sound?")
    head = content[:65536].split(b"\n---", 1)[0]
    if not content.startswith(b"age-encryption.org/v1\n") or head.count(b"\n-> ") < recipients:
        raise ValueError(f"{folder}/{part}.age is not sealed to all {recipients} keys")


def write(path, text, mode):
    """In one step: somebody may be reading."""
    os.makedirs(os.path.dirname(path), 0o755, exist_ok=True)
    fresh = f"{path}.new"
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="utf8") as out:
        out.write(text)
    os.chmod(fresh, mode)
    os.rename(fresh, path)


def note(part, at, folder, size):
    write(f"{LAST}/{part}.json", json.dumps({"part": part, "time": int(at), "folder": folder, "bytes": size}) + "\n", 0o644)
    # Where node-exporter looks for what others tell.
    if os.path.isdir(METRICS):
        name = "mesos_backup_last_success_timestamp_seconds"
        write(f"{METRICS}/mesos_backup_{part}.prom", f"# TYPE {name} gauge\n{name}{{part=\"{part}\"}} {int(at)}\n", 0o644)


def backup(settings, part_settings, store):
    part = part_settings["part"]
    if not part_now(part_settings)["leads"]:
        print(f"{part}: another host leads", flush=True)
        return
    began = time.time()
    at = time.gmtime(began)
    content, facts = sealed(settings, part_settings)
    folder = f"{settings['cluster']}-{time.strftime('%Y%m%dT%H%M%SZ', at)}-{part}"
    manifest = manifest_of(settings, part, at, content, facts)
    store.publish(folder, {f"{part}.age": content, "manifest.json": (json.dumps(manifest, indent=2) + "\n").encode()})
    check(store, folder, part, len(settings["recipients"]))
    note(part, began, folder, len(content))
    print(f"{part}: kept in {settings['to']}/{folder}, {len(content)} bytes, {time.time() - began:.1f} s", flush=True)
    for old in outdated(store.list(), settings["cluster"], part, settings["keep"]):
        store.remove(old)
        print(f"removed {old}: {settings['keep']} are kept", flush=True)


def main():
    with open(sys.argv[1], encoding="utf8") as text:
        settings = json.load(text)
    store = store_of(settings)
    failed = False
    for part_settings in settings["parts"]:
        try:
            backup(settings, part_settings, store)
        except (Refused, StoreError, ValueError, KeyError, OSError, subprocess.SubprocessError) as error:
            print(f"{part_settings['part']}: no backup: {error}", file=sys.stderr)
            failed = True
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
