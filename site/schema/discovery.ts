/** How what Marathon runs is reached: a load balancer that follows the apps' labels, names for apps and for the leader. */
import * as z from "zod";
import { hostList, port, rolloutFields, seconds, text } from "./values";

export const loadBalancerSchema = z
    .strictObject({
        hosts: hostList("Hosts that HAProxy runs on; each serves all apps"),
        group: text("Apps whose label `HAPROXY_GROUP` is this are served.").default("external"),
        httpPort: port("apps by host name (label `HAPROXY_0_VHOST`)", 80),
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
        pollSec: seconds("How often Marathon is looked at where its event stream tells nothing", 10),
        ...rolloutFields(120),
    })
    .describe("Names for apps and for the leading master, as Mesos-DNS gives them. Only for its own domain: other servers forward to it.");
