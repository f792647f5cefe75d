/**
 * mesos-dds: keeps agents of DDS sessions running on Mesos.
 *
 *     mesos-dds /etc/mesos-dds/config.json           # or the text itself in DDS_FRAMEWORK_CONFIG
 *     mesos-dds --check /etc/mesos-dds/config.json
 *     mesos-dds submit FILE DDSWorker.sh             # a submit file of seven lines, a worker package
 *     mesos-dds plug-in --session … --id … --path …  # as dds-submit -r mesos starts it
 */
import { homedir } from "node:os";
import { configText, end, failed, log, runFramework } from "../service/run";
import { ZooKeeperShelf } from "../service/shelf";
import { type Config, readConfig } from "./config";
import { DdsFramework } from "./framework";
import { runPlugIn, submitFile } from "./plugin";
import type { Report } from "./report";
import { serve } from "./server";

declare const PULUMI_MESOS_VERSION: string | undefined;
const VERSION = typeof PULUMI_MESOS_VERSION === "undefined" ? "unbuilt" : PULUMI_MESOS_VERSION;
const PROGRAM = "mesos-dds";

async function run(config: Config): Promise<void> {
    const { http, name, submissions } = config;
    let address = "";
    await runFramework<DdsFramework>({
        program: PROGRAM,
        version: VERSION,
        config,
        stays: "agents stay",
        make: ({ masters, store, credential, webuiUrl, session, path }) => {
            const shelf = (of: string): ZooKeeperShelf => new ZooKeeperShelf(session, `${path}/${of}`);
            return new DdsFramework({
                config,
                masters,
                store,
                ...(credential && { credential }),
                webuiUrl,
                address,
                shelves: {
                    state: shelf("state"),
                    sessions: shelf("sessions"),
                    submissions: shelf("submissions"),
                    packages: shelf("packages"),
                },
                log,
            });
        },
        serve: (instance) => {
            ({ address } = instance);
            const { leader, framework } = instance;
            const report = (): Report =>
                framework()?.report({ leader: address, version: VERSION }) ?? {
                    name,
                    version: VERSION,
                    leader: leader(),
                    leads: false,
                    troubles: leader() === undefined ? ["no instance leads at present"] : [],
                };
            return serve({ ...http, report, framework, from: submissions?.from });
        },
    });
}

async function main(argv: readonly string[]): Promise<void> {
    const [verb = "", ...rest] = argv;
    if (verb === "plug-in") {
        process.exitCode = await runPlugIn(rest, homedir());
        return;
    }
    if (verb === "submit") {
        const [file, workerPackage] = rest;
        if (file === undefined || workerPackage === undefined) {
            end(2, "usage: mesos-dds submit FILE DDSWorker.sh");
        }
        log(`submission ${await submitFile(file, workerPackage)}`);
        return;
    }
    const check = verb === "--check";
    const config = readConfig(configText(check ? rest : argv, PROGRAM, "DDS_FRAMEWORK_CONFIG"));
    if (check) {
        log("the configuration has no fault");
        return;
    }
    await run(config);
}

if (require.main === module) {
    main(process.argv.slice(2)).catch(failed);
}
