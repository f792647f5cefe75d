/** How what Marathon runs is reached: a load balancer that follows the apps' labels, names for apps and for the leader. */
import * as z from "zod";
import { absolutePath, hostList, port, portRange, rolloutFields, seconds, text } from "./values";

export const loadBalancerSchema = z
    .strictObject({
        hosts: hostList("Hosts that HAProxy runs on; each serves all apps"),
        group: text("Apps whose label `HAPROXY_GROUP` is this are served.").default("external"),
        httpPort: port("apps by host name (label `HAPROXY_0_VHOST`)", 80),
        servicePorts: z
            .array(portRange)
            .default(["10000-20000"])
            .describe(
                "Ports that apps without a host name are served on: Marathon's `local_port_min` to `local_port_max`. OpenStack's security groups open them.",
            ),
        healthPort: port("`GET /healthy` says that the load balancer is well", 8405),
        connectTimeoutSec: seconds("How long a task may take to accept a connection", 5),
        idleTimeoutSec: seconds("How long a connection may be silent", 60),
        drainSec: seconds("How long connections of before a change may go on", 600),
        maxConnections: z.int().min(100).default(8000).describe("Connections at a time; each takes two files."),
        pollSec: seconds("How often Marathon is looked at where its event stream tells nothing", 10),
        ...rolloutFields(120),
    })
    .describe("HAProxy for the apps, configured from their labels and reloaded without losing a connection.");

export const discoverySchema = z
    .strictObject({
        hosts: hostList("Hosts that answer DNS questions"),
        domain: z
            .string()
            .regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/, {
                error: "must be a lower-case domain such as mesos",
            })
            .default("mesos")
            .describe("Domain: app /shop/web is `web-shop.marathon.DOMAIN`, the leading master `leader.DOMAIN`."),
        port: port("DNS, by UDP and TCP", 53),
        ttlSec: z.int().min(0).default(5).describe("How long an answer may be kept; seconds."),
        pollSec: seconds("How often Marathon is looked at where its event stream tells nothing; of Mesos-DNS, the masters", 10),
        mesosDns: z
            .strictObject({
                package: z
                    .strictObject({
                        name: text("Name of the package.").default("mesos-dns"),
                        version: text("Exact version. Default: whatever is installed, or the newest when nothing is.").optional(),
                    })
                    .prefault({})
                    .describe("The package of the hosts' own package manager. It must not start anything by itself."),
                program: absolutePath("What is started.").default("/usr/bin/mesos-dns"),
                settings: z
                    .record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.array(z.string())]))
                    .default({})
                    .describe("Further settings by the names of its config.json (`timeout: 3`). One that this page has a field for is refused."),
            })
            .optional()
            .describe("Mesos-DNS answers, from the masters' state: names of all frameworks' tasks. Default: a program of ours, which knows Marathon's apps and their health, does."),
        ...rolloutFields(120),
    })
    .describe("Names for apps and for the leading master, as Mesos-DNS gives them. Only for its own domain: other servers forward to it.");
