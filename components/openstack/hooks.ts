import * as pulumi from "@pulumi/pulumi";
import type { CloudRef } from "../../provider/clients/cloudCredentials";
import { clearLeftovers, serverFault } from "../../provider/sdk";

/** What everything made for a site carries, so that it can be told from what others have made. */
export function siteMark(cluster: string): string {
    return `pulumi-mesos site ${cluster}`;
}

type Inputs = Record<string, unknown> | undefined;

/** The part of a resource's options that hooks are. A preview makes nothing, and hooks cost a server of their own. */
type HookOptions = Pick<pulumi.ResourceOptions, "hooks">;

/** What happens around the making of servers and ports of one project: the same hooks for all of them. */
export class CloudHooks {
    private instance: HookOptions | undefined;
    private port: HookOptions | undefined;
    private attachment: HookOptions | undefined;

    public constructor(
        private readonly project: string,
        private readonly cloud: CloudRef,
        private readonly cluster: string,
    ) {}

    /** Clears what a cut-off run has left; tells Nova's own reason, which the OpenStack plugin does not. */
    public ofInstance(): HookOptions {
        this.instance ??= pulumi.runtime.isDryRun() ? {} : { hooks: this.instanceHooks() };
        return this.instance;
    }

    public ofPort(): HookOptions {
        this.port ??= pulumi.runtime.isDryRun() ? {} : { hooks: { beforeCreate: [this.clearing("port")] } };
        return this.port;
    }

    public ofAttachment(): HookOptions {
        this.attachment ??= pulumi.runtime.isDryRun() ? {} : { hooks: { beforeCreate: [this.clearing("attachment")] } };
        return this.attachment;
    }

    private instanceHooks(): pulumi.ResourceHookBinding {
        const fault = new pulumi.ErrorHook(`nova-fault-${this.project}`, async ({ name, errors }) => {
            const id = /instance \(([0-9a-f-]{36})\)/.exec(errors.join("\n"))?.[1];
            const message = id === undefined ? "" : await serverFault(this.cloud, id);
            if (message !== "") {
                await pulumi.log.error(
                    `${name.replace(/-instance$/, "")}: Nova says: ${message.replaceAll("\n", " ")}`,
                );
            }
            return false;
        });
        return { beforeCreate: [this.clearing("server")], onError: [fault] };
    }

    private clearing(kind: "server" | "port" | "attachment"): pulumi.ResourceHook {
        return new pulumi.ResourceHook(`clear-${kind}-${this.project}`, async ({ newInputs }) => {
            const inputs = newInputs as Inputs;
            const name = inputs?.[kind === "attachment" ? "volumeId" : "name"] as string;
            const server = inputs?.["instanceId"];
            const [first] = (inputs?.["networks"] ?? []) as { readonly port?: string }[];
            const removed = await clearLeftovers({
                cloud: this.cloud,
                kind,
                name,
                mark: siteMark(this.cluster),
                ...(first?.port === undefined ? {} : { port: first.port }),
                ...(typeof server === "string" ? { server } : {}),
            });
            if (removed.length > 0) {
                await pulumi.log.info(`${name}: a run that was cut off had left ${removed.join(", ")}: removed`);
            }
        });
    }
}
