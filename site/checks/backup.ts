/** The timer that makes backups on hosts. */
import type { Checked, Report } from "./report";

/** Checks `backup.timer`. */
export function checkBackup({ site, uses }: Checked, report: Report): void {
    const timer = site.backup?.timer;
    if (timer === undefined) return;
    if (!uses.some(({ role }) => role === "zookeeper" || role === "master"))
        report.fault("BACKUP_NOTHING", "backup.timer", "no host of this site has ZooKeeper's data or the registry", {
            fix: "take it out: whoever runs the existing parts backs them up",
        });
    const isRemote = timer.to.startsWith("ssh://");
    if (isRemote && timer.hostKeys.length === 0)
        report.fault("BACKUP_HOST_KEYS", "backup.timer.hostKeys", "the SSH target's public keys are not declared", {
            allowed: "at least one key, e.g. ssh-ed25519 AAAA…",
            fix: `ssh-keyscan ${new URL(timer.to).hostname}, compare with what its owner says, and put \`type key\` here`,
        });
    if (timer.to !== site.backup?.to)
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
        report.fault("BACKUP_HOST_KEYS", "backup.timer.hostKeys", "a folder has no host keys", {
            value: timer.to,
            fix: "take them out, or say ssh://user@host/folder",
        });
}
