/**
 * A virtual machine that has come up: SSH answers, cloud-init is done, and its host keys are known and recorded.
 *
 * The keys are read from the console log, where cloud-init prints them, which goes through Nova and not through the network
 * that the keys are to protect. Where the console shows none, those of the first contact are recorded, and this is said. From
 * then on no other key is accepted.
 */
import type { Connection } from "../../site/plan/types";
import type { CloudRef } from "../clients/cloudCredentials";
import type { OpenStack, Server } from "../clients/openstack";
import { renewKeys, type Ssh } from "../clients/ssh";
import { serverGone } from "../clients/serverGone";
import { HostError } from "../host/errors";
import { type Clock, realClock } from "../rollout/strategy";
import { differences, type Plain, type Properties, UNKNOWN } from "../wire";
import { type Context, InitError, type ResourceType, type State } from "./resource";

interface Inputs {
    readonly host: string;
    /** Nova's id of the instance. */
    readonly instance: string;
    readonly cloud: CloudRef;
    readonly connection: Connection;
}

const parse = (properties: Properties): Inputs => properties as unknown as Inputs;

/** Longest time for a machine to come up, seconds: emulated ones take minutes. */
const PATIENCE_SEC = 900;
/** Seconds of answering SSH without keys on the console after which the first contact counts. */
const CONSOLE_PATIENCE_SEC = 45;
const PAUSE_MS = 2000;

/** The host keys that cloud-init has printed, comments cut off; the last block counts, for a console may show several boots. */
export function consoleKeys(text: string): string[] {
    const blocks = [...text.matchAll(/-----BEGIN SSH HOST KEY KEYS-----([^]*?)-----END SSH HOST KEY KEYS-----/g)];
    const lines = blocks.at(-1)?.[1]?.split("\n") ?? [];
    return lines.flatMap((line) => {
        const key = /((?:ssh|ecdsa|sk)-[a-z0-9@.-]+) ([A-Za-z0-9+/]{40,}={0,3})/.exec(line);
        return key === null ? [] : [`${key[1] ?? ""} ${key[2] ?? ""}`];
    });
}

/** Ends well when cloud-init has done its work on this instance, or when there is none. */
const DONE = `sh -c 'command -v cloud-init >/dev/null || exit 0; test -e /var/lib/cloud/instance/boot-finished'`;

export interface MachineDependencies {
    readonly ssh: Ssh;
    readonly openstack: (cloud: CloudRef) => OpenStack;
    readonly clock?: Clock;
}

export function machine({ ssh, openstack, clock = realClock }: MachineDependencies): ResourceType {
    const comeUp = async ({ host, instance, cloud, connection }: Inputs, context: Context): Promise<string[]> => {
        const begun = clock.now();
        const elapsed = (): number => Math.round((clock.now() - begun) / 1000);
        let api: OpenStack | undefined;
        const ask = async <T>(question: (client: OpenStack) => Promise<T>): Promise<T | undefined> => {
            try {
                api ??= openstack(cloud);
                return await question(api);
            } catch {
                return undefined;
            }
        };
        let keys: string[] = [];
        let answersSince: number | undefined;
        let last = "it was not asked yet";
        let told = 0;
        for (;;) {
            if (keys.length === 0) {
                keys = consoleKeys((await ask((client) => client.console(instance))) ?? "");
                if (keys.length > 0) {
                    context.log("info", `${host}: its ${keys.length} host keys are on the console (${elapsed()} s)`);
                }
            }
            if (keys.length === 0) {
                const seen = await ssh.firstContact(host, connection).catch((error: unknown) => {
                    last = (error as Error).message;
                    return [];
                });
                answersSince = seen.length > 0 ? (answersSince ?? elapsed()) : undefined;
                if (answersSince !== undefined && elapsed() - answersSince >= CONSOLE_PATIENCE_SEC) {
                    keys = seen;
                    context.log(
                        "warning",
                        `${host}: the console shows no host keys; those of the first contact are recorded`,
                    );
                }
            }
            if (keys.length > 0) {
                try {
                    const run = { step: "wait for cloud-init", stdin: "", timeoutSec: 30 };
                    await ssh.run(host, { ...connection, hostKeys: keys }, DONE, run);
                    context.log("info", `${host}: up after ${elapsed()} s`);
                    return keys;
                } catch (error) {
                    last = (error as HostError).reason || "cloud-init is at work";
                }
            }
            if (elapsed() - told >= 30) {
                told = elapsed();
                const server: Server | undefined = await ask((client) => client.server(instance));
                context.log(
                    "info",
                    `${host}: waits for the machine (${told} s; Nova: ${server?.status ?? "no answer"}; ${last.split("\n")[0] ?? ""})`,
                );
                if (server?.status === "ERROR") {
                    throw new HostError(host, "boot", server.fault?.message ?? "Nova has it in ERROR");
                }
            }
            if (elapsed() >= PATIENCE_SEC) {
                throw new HostError(
                    host,
                    "boot",
                    `it did not come up within ${PATIENCE_SEC} s: ${last.split("\n")[0] ?? ""}`,
                    `look at its console: openstack console log show ${host}; the administrators' networks in openstack.security.admins must hold this machine`,
                );
            }
            await clock.sleep(PAUSE_MS);
        }
    };
    const state = (inputs: Inputs, hostKeys: Plain): State => ({
        id: `machine/${inputs.host}`,
        outputs: { host: inputs.host, instance: inputs.instance, hostKeys },
    });
    const bringUp = async (inputs: Inputs, context: Context): Promise<State> => {
        try {
            const keys = await comeUp(inputs, context);
            renewKeys(inputs.host, keys);
            return state(inputs, keys);
        } catch (error) {
            throw new InitError((error as Error).message, state(inputs, []));
        }
    };
    return {
        check: () => [],
        diff(before, after) {
            if (before["instance"] !== UNKNOWN && after["instance"] === UNKNOWN) {
                // The instance is about to be replaced: what runs on it is taken off first.
                const change = { path: ["instance"], kind: "update" as const };
                return { changes: [change], replaces: [change.path], deleteBeforeReplace: true };
            }
            return { changes: differences(before["instance"], after["instance"], ["instance"]) };
        },
        create(inputs, preview, context) {
            const now = parse(inputs);
            return preview ? Promise.resolve(state(now, UNKNOWN)) : bringUp(now, context);
        },
        read: (id, inputs, outputs) => Promise.resolve({ id, inputs, outputs }),
        update(_id, _before, after, preview, context) {
            const now = parse(after);
            return preview ? Promise.resolve(state(now, UNKNOWN)) : bringUp(now, context);
        },
        /** Its instance goes right after it. One in ERROR the OpenStack plugin cannot delete: it takes that state for the deletion's. */
        async delete(_id, inputs, _outputs, context) {
            const { host, instance, cloud } = parse(inputs);
            const api = await Promise.resolve(cloud)
                .then(openstack)
                .catch(() => undefined);
            const server = await api?.server(instance).catch(() => undefined);
            if (api !== undefined && server?.status === "ERROR") {
                context.log(
                    "info",
                    `${host}: Nova has it in ERROR (${server.fault?.message ?? "no reason given"}): deletes it`,
                );
                await serverGone(api, instance, `${host}: its server ${instance}`, clock);
            }
        },
    };
}
