/** What the planned agents have to give. */
import type { Capacity } from "../marathon";
import type { ReservationPlan } from "./reservations";
import type { SitePlan } from "./types";

/** Every agent of the site with what it has. */
export function capacitiesOf(plan: SitePlan, reservations: readonly ReservationPlan[] = []): Capacity[] {
    return plan.pools.flatMap(({ name, agents }) =>
        agents.flatMap(({ service }) => {
            if (service.kind !== "mesosAgent") return [];
            const { cpus, memMiB, diskMiB, gpus = 0, ports, role = "*" } = service.resources;
            const reserved = reservations
                .filter(({ hostname }) => hostname === service.hostname)
                .map((one) => ({
                    role: one.role,
                    cpus: one.resources["cpus"] ?? 0,
                    memMiB: one.resources["mem"] ?? 0,
                    diskMiB: one.resources["disk"] ?? 0,
                    gpus: one.resources["gpus"] ?? 0,
                    ports: one.ports,
                }));
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
                    ...(reserved.length === 0 ? {} : { reserved }),
                    ...(service.domain === undefined ? {} : service.domain),
                },
            ];
        }),
    );
}
