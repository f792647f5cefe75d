"""Where a host keeps its backups: a folder, one on another machine by SSH, an S3-compatible store. One appears there whole or not at all."""
import configparser
import os
import shlex
import shutil
import subprocess
import urllib.parse

# Whole time that one command on the other machine may take, seconds.
REMOTE_SEC = 1800
MANIFEST = "manifest.json"


class StoreError(Exception):
    """The place does not do what it is asked; in its own words."""


class Folder:
    """A folder that this host sees: mounted from elsewhere, else it is lost with the host."""

    def __init__(self, where):
        self.where = where

    def list(self):
        return os.listdir(self.where) if os.path.isdir(self.where) else []

    def read(self, folder, name):
        with open(os.path.join(self.where, folder, name), "rb") as found:
            return found.read()

    def publish(self, folder, files):
        fresh = os.path.join(self.where, f".{folder}.new")
        shutil.rmtree(fresh, ignore_errors=True)
        os.makedirs(fresh, 0o700)
        for name, content in files.items():
            with open(os.open(os.path.join(fresh, name), os.O_WRONLY | os.O_CREAT, 0o600), "wb") as out:
                out.write(content)
                out.flush()
                os.fsync(out.fileno())
        os.rename(fresh, os.path.join(self.where, folder))

    def remove(self, folder):
        shutil.rmtree(os.path.join(self.where, folder))


class Remote:
    """A folder on another machine, by SSH with a key of this purpose and the machine's own key known beforehand."""

    def __init__(self, url, options):
        parsed = urllib.parse.urlsplit(url)
        self.dir = parsed.path.rstrip("/")
        port = [] if parsed.port is None else ["-p", str(parsed.port)]
        target = parsed.hostname if parsed.username is None else f"{parsed.username}@{parsed.hostname}"
        self.command = ["ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10", *options, *port, target]

    def ssh(self, command, data=b""):
        done = subprocess.run([*self.command, command], input=data, capture_output=True, timeout=REMOTE_SEC, check=False)
        if done.returncode != 0:
            words = done.stderr.decode(errors="replace").strip().splitlines()
            raise StoreError(f"{self.command[-1]}: {words[-1] if words else f'exit status {done.returncode}'}")
        return done.stdout

    def path(self, *parts):
        return shlex.quote("/".join([self.dir, *parts]))

    def list(self):
        return self.ssh(f"test -d {self.path()} && ls -1 {self.path()} || true").decode().split("\n")

    def read(self, folder, name):
        return self.ssh(f"cat {self.path(folder, name)}")

    def publish(self, folder, files):
        fresh = f".{folder}.new"
        self.ssh(f"umask 077 && rm -rf {self.path(fresh)} && mkdir -p {self.path(fresh)}")
        for name, content in files.items():
            self.ssh(f"umask 077 && cat >{self.path(fresh, name)}", content)
        self.ssh(f"sync; mv {self.path(fresh)} {self.path(folder)}")

    def remove(self, folder):
        self.ssh(f"rm -rf {self.path(folder)}")


class Bucket:
    """A folder in a bucket. It knows no renaming: a backup is there when its manifest is, which is written last and removed first."""

    def __init__(self, url, s3):
        # Only where it is needed: Debian's python3-boto3 is there then.
        import boto3  # pylint: disable=import-outside-toplevel
        import botocore.config  # pylint: disable=import-outside-toplevel
        import botocore.exceptions  # pylint: disable=import-outside-toplevel

        parsed = urllib.parse.urlsplit(url)
        self.bucket = parsed.hostname
        self.prefix = parsed.path.strip("/") + "/" if parsed.path.strip("/") else ""
        key = configparser.ConfigParser(interpolation=None)
        with open(s3["keyFile"], encoding="utf8") as text:
            key.read_file(text)
        self.client = boto3.client(
            "s3", endpoint_url=s3["endpoint"], region_name=s3["region"], config=botocore.config.Config(s3={"addressing_style": "path"}),
            aws_access_key_id=key["default"]["aws_access_key_id"], aws_secret_access_key=key["default"]["aws_secret_access_key"])
        self.errors = (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError)

    def ask(self, call, **more):
        try:
            return getattr(self.client, call)(Bucket=self.bucket, **more)
        except self.errors as error:
            raise StoreError(f"{self.bucket}: {error}") from error

    def keys(self, below=""):
        found, more = [], {}
        while True:
            page = self.ask("list_objects_v2", Prefix=self.prefix + below, **more)
            found += [one["Key"][len(self.prefix):] for one in page.get("Contents", [])]
            if not page.get("IsTruncated"):
                return found
            more = {"ContinuationToken": page["NextContinuationToken"]}

    def list(self):
        return [folder for folder, _, name in (key.partition("/") for key in self.keys()) if name == MANIFEST]

    def read(self, folder, name):
        return self.ask("get_object", Key=f"{self.prefix}{folder}/{name}")["Body"].read()

    def publish(self, folder, files):
        for name in sorted(files, key=lambda one: one == MANIFEST):
            self.ask("put_object", Key=f"{self.prefix}{folder}/{name}", Body=files[name])

    def remove(self, folder):
        for key in sorted(self.keys(f"{folder}/"), key=lambda one: not one.endswith(f"/{MANIFEST}")):
            self.ask("delete_object", Key=self.prefix + key)


def store_of(settings):
    to = settings["to"]
    if to.startswith("ssh://"):
        return Remote(to, settings["sshOptions"])
    return Bucket(to, settings["s3"]) if to.startswith("s3://") else Folder(to)
