/** Who watches the site, and when somebody must look. */
import * as z from "zod";
import { hostList, port, rolloutFields, seconds } from "./values";

const percent = (about: string, value: number) => z.number().min(0).max(100).default(value).describe(`${about}; percent.`);

const alertsSchema = z.strictObject({
    forSec: seconds("How long something must be so before somebody is told", 60),
    diskFreePercent: percent("Less free space than this on a file system, or fewer free inodes", 10),
    memoryFreePercent: percent("Less free memory than this on a host", 5),
    clockOffsetMs: z
        .int()
        .min(1)
        .default(2000)
        .describe("More than this between a host's clock and the one of the host that looks; milliseconds."),
    usedPercent: percent("More than this of the agents' processors or memory in use", 95),
    failedTasks: z.int().min(0).default(50).describe("More failed tasks than this within ten minutes."),
    certificateDays: z
        .number()
        .positive()
        .default(21)
        .describe("A certificate of Marathon's or Metronome's that ends within less time than this; days."),
    backupAgeHours: z.number().positive().default(26).describe("A last good backup that is older than this; hours."),
});

export const monitoringSchema = z
    .strictObject({
        hosts: hostList("Hosts that Prometheus runs on; each watches the whole site"),
        port: port("Prometheus and its page", 9090),
        exporterPort: port("what tells Prometheus how Mesos and ZooKeeper are; on the same host only", 9105),
        nodeExporterPort: port("the node exporter, on every host of the site", 9100),
        everySec: seconds("How often everything is looked at", 15),
        keepDays: z.int().min(1).default(30).describe("How long what was seen is kept; days."),
        alertmanagers: z
            .array(z.string().regex(/^[A-Za-z0-9.-]+:\d{1,5}$/, { error: "must be host:port" }))
            .default([])
            .describe("`host:port` of each Alertmanager that is told. Default: alerts are seen on Prometheus' page only."),
        alerts: alertsSchema.prefault({}).describe("When an alert fires."),
        ...rolloutFields(120),
    })
    .describe("Prometheus for the site: node exporters, what Mesos, ZooKeeper, Marathon and Metronome tell, and rules for alerts.");
