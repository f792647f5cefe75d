/** What hosts get that Marathon, Metronome, a load balancer or a name server runs on, as text: see site.test.ts. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { formatIssues, type HostSpec, planSite } from "../../site";
import { parseStack } from "../../site/load";
import { page } from "./page";

const lab = parseStack(readFileSync(join(__dirname, "..", "..", "lab", "Pulumi.lab.yaml"), "utf8"), "/home/admin");
const result = planSite({
    ...(lab.config as object),
    marathon: { members: ["bm[1-2]"], settings: { max_running_deployments: 50 } },
    metronome: { members: ["bm3"], principal: "marathon" },
    loadBalancer: { hosts: ["bm[1-2]"], httpPort: 8088 },
    discovery: { hosts: ["bm3"] },
    monitoring: { hosts: ["bm3"], alertmanagers: ["10.0.0.9:9093"] },
    backup: {
        recipients: [`age1${"q".repeat(58)}`],
        to: "ssh://backup@10.0.0.9/srv/mesos",
        timer: { to: "ssh://backup@10.0.0.9/srv/mesos", hostKeys: ["ssh-ed25519 AAAA"] },
    },
});
if ("issues" in result) throw new Error(formatIssues(result.issues));
const { schedulers, loadBalancers, nameServers, backups, monitoring } = result.plan;
const withPackage = planSite({
    ...(lab.config as object),
    discovery: { hosts: ["bm3"], mesosDns: { package: { version: "0.9.3" } } },
});
if ("issues" in withPackage) throw new Error(formatIssues(withPackage.issues));

const secured = planSite({ ...(lab.config as object), marathon: { members: ["bm[1-2]"], tls: { issuer: "site" } } });
if ("issues" in secured) throw new Error(formatIssues(secured.issues));

test.each<[string, readonly HostSpec[] | undefined]>([
    ["Marathon", schedulers.find(({ kind }) => kind === "marathon")?.members],
    ["Marathon with a certificate of the site's own authority", secured.plan.schedulers[0]?.members],
    ["Metronome", schedulers.find(({ kind }) => kind === "metronome")?.members],
    ["the load balancer", loadBalancers],
    ["the name server", nameServers],
    ["the name server by Mesos-DNS", withPackage.plan.nameServers],
    ["the backups", backups],
    ["the node exporter", monitoring?.nodes],
    ["Prometheus", monitoring?.monitors],
])("the first host of %s", (_what, [first] = []) => {
    if (first === undefined) throw new Error("there is none");
    expect(page(first)).toMatchSnapshot();
});
