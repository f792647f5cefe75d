/** Prometheus and the exporters. */
import type { Checked, Report } from "./report";
import { checkOwnHosts } from "./roles";

/** Checks `monitoring`. */
export function checkMonitoring(checked: Checked, report: Report): void {
    const { monitoring } = checked.site;
    if (monitoring === undefined) return;
    checkOwnHosts("monitoring", checked, report);
    const { everySec, alerts } = monitoring;
    if (alerts.forSec < everySec)
        report.fault("MONITORING_FOR", "monitoring.alerts.forSec", "is shorter than the time between two looks", {
            value: alerts.forSec,
            allowed: `at least ${everySec}, as everySec`,
        });
    if (monitoring.alertmanagers.length === 0)
        report.warn("MONITORING_SILENT", "monitoring.alertmanagers", "nobody is told of an alert", {
            fix: "give the Alertmanagers' host:port, or look at Prometheus' page",
        });
}
