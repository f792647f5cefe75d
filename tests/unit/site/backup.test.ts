/** The timer for backups in a stack file: what hosts get, and what is refused. */
import { changed, faultsOf, planOf, textOf } from "./sites";

const recipient = `age1${"q".repeat(58)}`;
const target = { to: "ssh://backup@10.0.0.9:2222/srv/mesos", hostKeys: ["ssh-ed25519 AAAAC3Nza"] };
const site = (timer: object) => ({ backup: { recipients: [recipient], to: target.to, timer } });

test("every host of the quorum has the timer, with what it may lead and a key that only root reads", () => {
    const { backups, secrets } = planOf(changed(site({ ...target, at: ["02:30", "14:30"] })));
    expect(backups.map(({ host }) => host)).toEqual(["bm1", "bm2", "bm3"]);
    expect(JSON.parse(textOf(backups, "/etc/pulumi-mesos/backup/settings.json"))).toMatchObject({
        host: "bm1",
        to: target.to,
        parts: [{ part: "zookeeper" }, { part: "registry", address: "10.0.0.1" }],
    });
    expect(textOf(backups, "/etc/pulumi-mesos/backup/known_hosts")).toBe("[10.0.0.9]:2222 ssh-ed25519 AAAAC3Nza\n");
    expect(backups[0]?.files["/etc/pulumi-mesos/backup/id"]).toMatchObject({ mode: "0600", secrets: ["backup-key"] });
    expect(secrets).toContainEqual({ name: "backup-key", length: 0, given: true });
    expect(textOf(backups, "/etc/systemd/system/mesos-backup.timer")).toContain(
        "OnCalendar=*-*-* 02:30:00\nOnCalendar=*-*-* 14:30:00\n",
    );
    // Settings and programs are read at each run: nothing but another time of day restarts the timer.
    expect(backups[0]?.units).toEqual({
        "mesos-backup.timer": { enabled: true, active: true, restartOn: ["/etc/systemd/system/mesos-backup.timer"] },
    });
});

test("a mounted folder needs no key", () => {
    const { backups, secrets } = planOf(
        changed({ backup: { recipients: [recipient], to: "/mnt/b", timer: { to: "/mnt/b" } } }),
    );
    expect(Object.keys(backups[0]?.files ?? {})).not.toContain("/etc/pulumi-mesos/backup/id");
    expect(secrets.map(({ name }) => name)).not.toContain("backup-key");
});

test("an S3-compatible store is reached with Amazon's client and a key that only root reads", () => {
    const to = "s3://site-backups/alpha";
    const s3 = { endpoint: "https://s3.example.org" };
    const { backups, secrets } = planOf(changed({ backup: { recipients: [recipient], to, s3, timer: { to } } }));
    const [first] = backups;
    const keyFile = "/etc/pulumi-mesos/backup/s3-key.ini";
    expect(first?.packages.map(({ name }) => name)).toEqual(["age", "python3-boto3"]);
    expect(first?.files[keyFile]).toMatchObject({
        mode: "0600",
        secrets: ["backup-s3-access-key", "backup-s3-secret-key"],
    });
    expect(JSON.parse(textOf(backups, "/etc/pulumi-mesos/backup/settings.json"))).toMatchObject({
        to,
        s3: { ...s3, region: "us-east-1", keyFile },
    });
    expect(secrets.filter(({ name }) => name.startsWith("backup-"))).toEqual([
        { name: "backup-s3-access-key", length: 0, given: true },
        { name: "backup-s3-secret-key", length: 0, given: true },
    ]);
});

test("a store that no backup goes to is a mistake", () => {
    const s3 = { endpoint: "https://s3.example.org" };
    const faults = faultsOf(changed({ backup: { recipients: [recipient], s3 } }));
    expect(faults.map(({ code, path }) => `${code} ${path}`)).toContain("BACKUP_S3 backup.s3");
});

test("without a timer hosts get nothing", () => {
    expect(planOf(changed({ backup: { recipients: [recipient] } })).backups).toEqual([]);
});

test.each<[string, object, string]>([
    ["a target whose keys nobody knows", { ...target, hostKeys: [] }, "BACKUP_HOST_KEYS backup.timer.hostKeys"],
    ["keys of a folder", { to: "/mnt/b", hostKeys: target.hostKeys }, "BACKUP_HOST_KEYS backup.timer.hostKeys"],
    [
        "a line of known_hosts as it is",
        { ...target, hostKeys: ["10.0.0.9 ssh-ed25519 AAAA"] },
        "FORMAT backup.timer.hostKeys[0]",
    ],
    ["no time of day", { ...target, at: ["24:00"] }, "FORMAT backup.timer.at[0]"],
    ["a relative folder", { to: "backups" }, "FORMAT backup.timer.to"],
    ["a bucket of nobody knows which store", { to: "s3://bucket/folder" }, "BACKUP_S3 backup.s3"],
    ["no bucket", { to: "s3:///folder" }, "FORMAT backup.timer.to"],
    [
        "keys of a bucket",
        { to: "s3://bucket/folder", hostKeys: target.hostKeys },
        "BACKUP_HOST_KEYS backup.timer.hostKeys",
    ],
])("%s is refused", (_what, timer, expected) => {
    expect(faultsOf(changed(site(timer))).map(({ code, path }) => `${code} ${path}`)).toContain(expected);
});
