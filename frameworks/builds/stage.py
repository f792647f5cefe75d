"""Runs aliBuild so that what it builds stays on this host until all of it has passed.

aliBuild's rsync store uploads each package as soon as it is built, and to where it reads from, whatever --write-store says; a store
that has none of a package yet stops it, and one that is away for a moment looks to it as if it had none of it, so that all is built
anew (1.17.48, sync.py, RsyncRemoteSync).  Here uploads go to --write-store, a folder; packages that came from the store are not
uploaded again; a package is looked for in the store once; a store that is away is waited for; and each package is written down.

    stage.py RECORD LOGS PATIENCE_SEC aliBuild build ...
"""
import glob
import json
import os
import runpy
import shutil
import subprocess
import sys
import time

from alibuild_helpers import sync

RECORD, LOGS, PATIENCE_SEC, PROGRAM = sys.argv[1:5]
# rsync's statuses: no such file; no place at the server, no connection, a broken one, time-outs.
NO_SUCH_FILE, AWAY = 23, (5, 10, 12, 30, 35)
RETRY_SEC = float(os.environ.get("STAGE_RETRY_SEC", "2"))


class Staged(sync.RsyncRemoteSync):
    asked = set()

    def look(self, path):
        command = ["rsync", "--list-only", "--contimeout=20", "--timeout=60", f"{self.remoteStore}/{path}"]
        return subprocess.run(command, capture_output=True, check=False).returncode

    def wait(self):
        """Until the store answers."""
        end = time.monotonic() + float(PATIENCE_SEC)
        told = False
        while self.look("") in AWAY:
            if time.monotonic() > end:
                sys.exit(f"ERROR: the store has not answered for {PATIENCE_SEC} s")
            if not told:
                print("the store is away: waits for it", flush=True)
            told = True
            time.sleep(RETRY_SEC)

    def fetch_tarball(self, spec):
        while True:
            self.wait()
            super().fetch_tarball(spec)
            paths = [sync.resolve_store_path(self.architecture, one) for one in spec["remote_hashes"]]
            if any(glob.glob(os.path.join(self.workdir, path, "*.tar.gz")) for path in paths):
                return
            # It has none of it, or it went while it was asked.
            if self.look("") not in AWAY:
                return

    def fetch_symlinks(self, spec):
        if spec["package"] in self.asked:
            return
        self.asked.add(spec["package"])
        links = sync.resolve_links_path(self.architecture, spec["package"])
        while True:
            self.wait()
            if self.look(f"{links}/") == NO_SUCH_FILE:
                os.makedirs(os.path.join(self.workdir, links), exist_ok=True)
                return
            try:
                super().fetch_symlinks(spec)
                return
            except SystemExit:
                if self.look("") not in AWAY:
                    raise

    def upload_symlinks_and_tarball(self, spec):
        reused = bool(spec.get("cachedTarball"))
        if not reused:
            read, self.remoteStore = self.remoteStore, self.writeStore
            try:
                super().upload_symlinks_and_tarball(spec)
            finally:
                self.remoteStore = read
        log = os.path.join(self.workdir, "BUILD", spec["hash"], "log")
        if os.path.exists(log):
            shutil.copyfile(log, os.path.join(LOGS, spec["package"] + ".log"))
        with open(RECORD, "a", encoding="utf-8") as record:
            one = {name: str(spec[key]) for name, key in
                   (("name", "package"), ("version", "version"), ("revision", "revision"), ("hash", "hash"))}
            record.write(json.dumps({**one, "reused": reused}) + "\n")


sync.RsyncRemoteSync = Staged
sys.argv = sys.argv[4:]
runpy.run_path(PROGRAM, run_name="__main__")
