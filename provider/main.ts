/** The plugin `mesos`: prints its port, serves until the engine has no more use for it. */
import { accessClient } from "./clients/access";
import { ansiblePlaybook, endRuns } from "./clients/ansible";
import type { CloudRef } from "./clients/cloudCredentials";
import { HttpMesosClient } from "./clients/mesos";
import { HttpOpenStack, type OpenStack } from "./clients/openstack";
import { schedulerClient } from "./clients/schedulers";
import { openSsh } from "./clients/ssh";
import { zookeeperClient } from "./clients/zookeeper";
import { checkCloud, serverFault } from "./functions/checkCloud";
import { clearLeftovers } from "./functions/clearLeftovers";
import { Connections, textsOf } from "./resources/connections";
import { certificate } from "./resources/certificate";
import { certificateAuthority } from "./resources/certificateAuthority";
import { generatedSecret } from "./resources/generatedSecret";
import { hostConfig } from "./resources/hostConfig";
import { lookup } from "./resources/lookup";
import { machine } from "./resources/machine";
import { serviceTypes } from "./resources/serviceTypes";
import { zookeeperOwner } from "./resources/zookeeperOwner";
import { masterAddresses } from "./rollout/quorum";
import { type Clients, hostDependencies } from "./rollout/tiers";
import { ProviderServer } from "./server";

declare const PULUMI_MESOS_VERSION: string;

const clients: Clients = {
    ssh: openSsh,
    ansible: ansiblePlaybook,
    zookeeper: zookeeperClient,
    schedulers: schedulerClient,
    access: accessClient,
    mesos(config) {
        const masters = "masters" in config.service ? config.service.masters : masterAddresses(config);
        return new HttpMesosClient(masters, config.operator, config.connection, config.former?.operator);
    },
};

const sessions = new Map<string, OpenStack>();

/** One session for each project, as long as the plugin lives. */
function openstack(cloud: CloudRef): OpenStack {
    const key = JSON.stringify(cloud);
    const session = sessions.get(key) ?? new HttpOpenStack(cloud);
    sessions.set(key, session);
    return session;
}

/** Milliseconds between looks whether the engine is still there. */
const ORPHAN_CHECK_MS = 1000;

async function main(): Promise<void> {
    const dependencies = hostDependencies(clients);
    const connections = new Connections();
    const server = new ProviderServer({
        version: PULUMI_MESOS_VERSION,
        types: {
            HostConfig: hostConfig(dependencies),
            Certificate: certificate(),
            CertificateAuthority: certificateAuthority(),
            GeneratedSecret: generatedSecret,
            Lookup: lookup(openstack),
            Machine: machine({ ssh: openSsh, openstack }),
            ZooKeeperOwner: zookeeperOwner(zookeeperClient),
            ...serviceTypes(connections),
        },
        functions: {
            checkCloud: checkCloud(openstack),
            clearLeftovers: clearLeftovers(openstack),
            serverFault: serverFault(openstack),
        },
        onConfigure: (config) => connections.configure(textsOf(config)),
        onCancel: () => dependencies.stop(),
    });
    const engine = process.argv.slice(2).find((argument) => !argument.startsWith("-"));
    if (engine !== undefined) {
        server.connectEngine(engine);
    }
    // When the engine is killed nobody records what is still done here, so it must stop at once: the next run finds out
    // what is there and goes on.
    const parent = process.ppid;
    setInterval(() => {
        if (process.ppid !== parent) {
            endRuns();
            process.exit(1);
        }
    }, ORPHAN_CHECK_MS).unref();
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
        process.on(signal, () => {
            endRuns();
            process.exit(0);
        });
    }
    process.stdout.write(`${await server.listen()}\n`);
}

void main();
