/**
 * mesos-workqueue: gives Work Queue projects workers on Mesos.
 *
 *     mesos-workqueue /etc/mesos-workqueue.yaml      # or the text itself in WORKQUEUE_CONFIG
 *     mesos-workqueue --check /etc/mesos-workqueue.yaml
 */
import { readSecretFile } from "../scheduler";
import { configText, failed, log, runFramework } from "../service/run";
import { serve } from "../service/server";
import { type Config, readConfig } from "./config";
import { WorkQueueFramework } from "./framework";
import { type Report, views } from "./report";

declare const PULUMI_MESOS_VERSION: string | undefined;
const VERSION = typeof PULUMI_MESOS_VERSION === "undefined" ? "unbuilt" : PULUMI_MESOS_VERSION;
const PROGRAM = "mesos-workqueue";

/** Work Queue takes the file as it is: a newline at its end is part of the password. */
export const readPassword = (file: string): string => readSecretFile(file, "the password of the Work Queue managers");

async function run(config: Config): Promise<void> {
    const { passwordFile, http, name } = config;
    const password = passwordFile === undefined ? undefined : readPassword(passwordFile);
    await runFramework({
        program: PROGRAM,
        version: VERSION,
        config,
        stays: "workers stay",
        make: ({ masters, store, credential, webuiUrl }) =>
            new WorkQueueFramework({
                config,
                masters,
                store,
                ...(credential && { credential }),
                ...(password !== undefined && { password }),
                webuiUrl,
                log,
            }),
        serve: ({ address, leader, framework }) => {
            const report = (): Report =>
                framework()?.report({ leader: address, version: VERSION }) ?? {
                    name,
                    version: VERSION,
                    leader: leader(),
                    leads: false,
                    troubles: leader() === undefined ? ["no instance leads at present"] : [],
                };
            return serve(http.bind, http.port, report, views);
        },
    });
}

async function main(argv: readonly string[]): Promise<void> {
    const check = argv[0] === "--check";
    const config = readConfig(configText(check ? argv.slice(1) : argv, PROGRAM, "WORKQUEUE_CONFIG"));
    if (check) {
        log("the configuration has no fault");
        return;
    }
    await run(config);
}

if (require.main === module) {
    main(process.argv.slice(2)).catch(failed);
}
