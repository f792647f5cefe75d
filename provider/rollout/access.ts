/** Rolling load balancers and name servers: one after the other, so that one of several always answers. */
import type { AccessService } from "../../site/plan/types";
import type { HostConfigInputs } from "../host/config";
import { HostError } from "../host/errors";
import type { Route } from "../clients/dial";
import { poolWaves, type Role } from "./order";
import {
    type Clock,
    type Prepared,
    realClock,
    type Strategy,
    waitFor,
    asPlanned,
    foretold,
    restartLines,
} from "./strategy";

export interface AccessClient {
    /** Whether the service answers at this address; it never throws. */
    answers(service: AccessService, address: string, route: Route): Promise<boolean>;
}

const access = (config: HostConfigInputs): AccessService => config.service as AccessService;

const titles: Readonly<Record<AccessService["kind"], string>> = {
    loadBalancer: "the load balancer",
    nameServer: "the name server",
};

export class AccessStrategy implements Strategy {
    public readonly isQuorum = false;

    public constructor(
        private readonly client: AccessClient,
        private readonly clock: Clock = realClock,
    ) {}

    private answers(config: HostConfigInputs): Promise<boolean> {
        const { members } = access(config);
        const address = members.find(({ name }) => name === config.host)?.address ?? config.connection.address;
        return this.client.answers(access(config), address, config.connection);
    }

    public async roles(configs: readonly HostConfigInputs[]): Promise<ReadonlyMap<string, Role>> {
        const roles = await Promise.all(
            configs.map(async (config): Promise<[string, Role]> => [
                config.host,
                (await this.answers(config)) ? "serving" : "down",
            ]),
        );
        return new Map(roles);
    }

    public waves(batch: readonly Prepared[]): Promise<Prepared[][]> {
        return Promise.resolve(poolWaves(batch, batch[0]?.config.rollout.maxUnavailable ?? 1));
    }

    public before(): Promise<readonly string[]> {
        return Promise.resolve([]);
    }

    public async after(host: Prepared): Promise<void> {
        const { healthTimeoutSec } = host.config.rollout;
        const { kind, port } = access(host.config);
        const unit = Object.keys(host.config.units).join(" -u ");
        await waitFor(
            async () => ((await this.answers(host.config)) ? true : undefined),
            healthTimeoutSec,
            () =>
                new HostError(
                    host.host,
                    "health",
                    `${titles[kind]} does not answer on port ${port} within ${healthTimeoutSec} s`,
                    `look at its log: ssh ${host.config.connection.address} journalctl -u ${unit}`,
                ),
            this.clock,
        );
        host.say("answers");
    }

    public beforeRemoval(): Promise<ReadonlyMap<string, Error>> {
        return Promise.resolve(new Map());
    }

    public outdated(): readonly string[] {
        return [];
    }

    public afterRemoval(): Promise<void> {
        return Promise.resolve();
    }

    public readonly observe = asPlanned;

    public foretell(config: HostConfigInputs, before: HostConfigInputs): string {
        return foretold(restartLines(config, before));
    }
}
