/** What the planned agents have to give. */
import type { Capacity } from "../marathon";
import type { SitePlan } from "./types";

/** Every agent of the site with what it has. */
export function capacitiesOf(plan: SitePlan): Capacity[] {
    return plan.pools.flatMap(({ name, agents }) =>
        agents.flatMap(({ service }) => {
            if (service.kind !== "mesosAgent") return [];
            const { cpus, memMiB, diskMiB, gpus = 0, ports, role = "*" } = service.resources;
            return [
                {
                    pool: name,
                    hostname: service.hostname,
                    attributes: service.attributes,
                    cpus,
                    memMiB,
                    diskMiB,
                    gpus,
                    ports,
                    role,
                    ...(service.domain === undefined ? {} : service.domain),
                },
            ];
        }),
    );
}
