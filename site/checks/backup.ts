/** The timer that makes backups on hosts. */
import { schemeOf } from "../plan/backup";
import type { Checked, Report } from "./report";

/** Checks `backup.timer`. */
export function checkBackup({ site, uses }: Checked, report: Report): void {
    if (site.backup === undefined) return;
    const { to, s3, timer } = site.backup;
    const places = [to, timer?.to].filter((place) => place !== undefined && schemeOf(place) === "s3");
    if (places.length > 0 && s3 === undefined)
        report.fault("BACKUP_S3", "backup.s3", `nobody knows where the store of ${places[0] ?? ""} answers`, {
            allowed: "{ endpoint: https://HOST[:PORT] }",
            fix: "declare it; its key goes into the stack's secrets backup-s3-access-key and backup-s3-secret-key",
        });
    if (places.length === 0 && s3 !== undefined)
        report.fault("BACKUP_S3", "backup.s3", "no backup goes there", {
            value: s3.endpoint,
            fix: "take it out, or say `to: s3://BUCKET/FOLDER`",
        });
    if (timer === undefined) return;
    if (!uses.some(({ role }) => role === "zookeeper" || role === "master"))
        report.fault("BACKUP_NOTHING", "backup.timer", "no host of this site has ZooKeeper's data or the registry", {
            fix: "take it out: whoever runs the existing parts backs them up",
        });
    const isRemote = schemeOf(timer.to) === "ssh";
    if (isRemote && timer.hostKeys.length === 0)
        report.fault("BACKUP_HOST_KEYS", "backup.timer.hostKeys", "the SSH target's public keys are not declared", {
            allowed: "at least one key, e.g. ssh-ed25519 AAAA…",
            fix: `ssh-keyscan ${new URL(timer.to).hostname}, compare with what its owner says, and put \`type key\` here`,
        });
    if (timer.to !== to)
        report.warn(
            "BACKUP_PLACES",
            "backup.timer.to",
            "hosts keep their backups elsewhere than `npm run backup` does",
            {
                value: timer.to,
                fix: "give both one place: a restore takes all parts from one; else say --from",
            },
        );
    if (!isRemote && timer.hostKeys.length > 0)
        report.fault("BACKUP_HOST_KEYS", "backup.timer.hostKeys", "only an SSH target has host keys", {
            value: timer.to,
            fix: "take them out, or say ssh://user@host/folder",
        });
}
