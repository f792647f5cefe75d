/** Rolling what answers alone, or is a timer: a few at a time, so that of several one always serves. */
import type { AccessService } from "../../site/plan/types";
import type { Route } from "../clients/dial";
import type { HostConfigInputs } from "../host/config";
import { HostError } from "../host/errors";
import { poolWaves, type Role } from "./order";
import {
    asPlanned,
    type Clock,
    foretold,
    type Prepared,
    realClock,
    restartLines,
    type Strategy,
    waitFor,
} from "./strategy";

export interface AccessClient {
    /** Whether the service answers at this address; it never throws. */
    answers(service: AccessService, address: string, route: Route): Promise<boolean>;
}

const titles: Readonly<Record<AccessService["kind"], string>> = {
    loadBalancer: "the load balancer",
    nameServer: "the name server",
    workQueueCatalog: "the Work Queue catalog",
    campaign: "the campaign",
    monitoring: "Prometheus",
    nodeExporter: "the node exporter",
};

/** No host knows of another, so none has to be asked before one changes. */
function alone(serves: (config: HostConfigInputs) => Promise<boolean>, after: Strategy["after"]): Strategy {
    return {
        isQuorum: false,
        async roles(configs) {
            const roles = await Promise.all(
                configs.map(async (config): Promise<[string, Role]> => [
                    config.host,
                    (await serves(config)) ? "serving" : "down",
                ]),
            );
            return new Map(roles);
        },
        waves: (batch) => Promise.resolve(poolWaves(batch, batch[0]?.config.rollout.maxUnavailable ?? 1)),
        before: () => Promise.resolve([]),
        after,
        beforeRemoval: () => Promise.resolve(new Map()),
        outdated: () => [],
        afterRemoval: () => Promise.resolve(),
        observe: asPlanned,
        foretell: (config, before) => foretold(restartLines(config, before)),
    };
}

/** Nothing is out of service meanwhile, and nothing is to be asked afterwards but systemd, which Ansible does. */
export const timerStrategy = (): Strategy =>
    alone(
        () => Promise.resolve(true),
        () => Promise.resolve(),
    );

/** Load balancers, name servers, catalogs, campaigns, monitors: each answers for itself. */
export function accessStrategy(client: AccessClient, clock: Clock = realClock): Strategy {
    const service = (config: HostConfigInputs): AccessService => config.service as AccessService;
    const answers = (config: HostConfigInputs): Promise<boolean> => {
        const own = service(config).members.find(({ name }) => name === config.host);
        return client.answers(service(config), own?.address ?? config.connection.address, config.connection);
    };
    return alone(answers, async (prepared: Prepared) => {
        const { host, config } = prepared;
        const { healthTimeoutSec } = config.rollout;
        const { kind, port } = service(config);
        const units = Object.keys(config.units).join(" -u ");
        await waitFor(
            async () => ((await answers(config)) ? true : undefined),
            healthTimeoutSec,
            () =>
                new HostError(
                    host,
                    "health",
                    `${titles[kind]} does not answer on port ${port} within ${healthTimeoutSec} s`,
                    `look at its log: ssh ${config.connection.address} journalctl -u ${units}`,
                ),
            clock,
        );
        prepared.say("answers");
    });
}
