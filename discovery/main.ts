/**
 * pulumi-mesos-discovery: runs on hosts of a site, as their units, and makes what Marathon runs reachable.
 *
 *   discovery.js balance FILE            keeps HAProxy as Marathon's apps are
 *   discovery.js balance FILE --ensure   writes the configuration of what was seen last, and ends
 *   discovery.js names FILE              answers DNS questions for apps and for the leading master
 */
import { ZooKeeperMasters } from "../frameworks/scheduler/masters";
import { parseZooKeeperAddress } from "../frameworks/zookeeper/address";
import { ZooKeeperSession } from "../frameworks/zookeeper/session";
import { Balancer } from "./balancer";
import { follow } from "./follow";
import { namesOf } from "./names";
import { Resolver, withAddresses } from "./resolve";
import { respond } from "./responder";
import type { Service } from "./services";
import { endpointOf, readLoadBalancer, readNames } from "./settings";

const log = (line: string): void => void process.stdout.write(`${line}\n`);

function balanceApps(file: string, onlyEnsure: boolean): void {
    const settings = readLoadBalancer(file);
    const balancer = new Balancer(settings.balancer, settings.place, log);
    if (onlyEnsure) {
        balancer.ensure();
        return;
    }
    const { everyMs, gatherMs } = settings;
    follow({
        endpoint: endpointOf(settings.marathon),
        everyMs,
        gatherMs,
        log,
        seen: (services) => balancer.show(services),
    });
}

async function nameApps(file: string): Promise<void> {
    const { marathon, masters, names: settings, listen, everyMs, gatherMs } = readNames(file);
    let services: readonly Service[] = [];
    let leader: string | undefined;
    const resolve = new Resolver();
    let names = namesOf(services, { leader }, settings);
    const renew = (): void => void (names = namesOf(services, { leader }, settings));
    const { port } = await respond(listen, settings, () => names);
    log(`answers for ${settings.domain} at ${listen.address}:${port}`);
    follow({
        endpoint: endpointOf(marathon),
        everyMs,
        gatherMs,
        log,
        seen: async (now) => {
            services = await withAddresses(now, resolve);
            renew();
        },
    });
    const { servers, path } = parseZooKeeperAddress(masters);
    const watch = (session: ZooKeeperSession): void => {
        new ZooKeeperMasters(session, path).onChange((master) => {
            leader = master?.replace(/:\d+$/, "");
            renew();
        });
        // The supervisor begins anew; what is known is asked for again within a moment.
        session.onExpired(() => fail(new Error("the session at ZooKeeper has expired")));
    };
    // While ZooKeeper is away there is no leader to name, but apps have their names all the same.
    for (;;)
        try {
            watch(await ZooKeeperSession.open({ servers }));
            return;
        } catch (error) {
            log((error as Error).message);
        }
}

function fail(error: unknown): never {
    process.stderr.write(`pulumi-mesos-discovery: ${(error as Error).message}\n`);
    process.exit(1);
}

if (require.main === module) {
    const [verb, file, option] = process.argv.slice(2);
    process.on("SIGTERM", () => process.exit(0));
    if (verb === "balance" && file !== undefined) balanceApps(file, option === "--ensure");
    else if (verb === "names" && file !== undefined) nameApps(file).catch(fail);
    else fail(new Error("usage: discovery.js balance|names FILE"));
}
