import * as pulumi from "@pulumi/pulumi";
import type { HostSpec, Service } from "../../site/plan/types";
import type { ConnectionArgs } from "./machine";

export interface HostConfigArgs extends Omit<HostSpec, "files" | "protect" | "mount" | "connection" | "service"> {
    /** Whom a scheduler's clients trust may be made in the same run. */
    readonly service: Service | (Omit<Service, "tls"> & { readonly tls: { readonly ca: pulumi.Input<string> } });
    readonly mount?: undefined;
    readonly connection: ConnectionArgs;
    /** The virtual machine that it is on: another one is a new host. @default - a registered machine */
    readonly machine?: pulumi.Input<{ instance: string; zone: string }>;
    /** Mounted first; formatted only when it is blank. @default - none */
    readonly volume?: pulumi.Input<{ id: string; device: string; mount: string; filesystem: string }>;
    /** Content is an Output where it holds secrets; everything else is known before the engine runs. */
    readonly files: Readonly<
        Record<string, { content: pulumi.Input<string>; mode: string; owner: string; group: string }>
    >;
    /** Principal for the operator API. @default - none, for sites without HTTP authentication */
    readonly operator?: { principal: string; secret: pulumi.Input<string> };
    /** What a scheduler's API asks for: user and password. @default - none */
    readonly login?: { principal: string; secret: pulumi.Input<string> };
    /** Whose a scheduler's state in ZooKeeper is. @default - it has none */
    readonly stateOwner?: { principal: string; secret: pulumi.Input<string> };
    /** The stack file repeats the cluster's name: changes that lose data are allowed. */
    readonly confirmed: boolean;
    readonly cluster: string;
}

/** One service on one host. Its inputs are the files' texts, so a preview shows the lines that change. */
export class HostConfig extends pulumi.CustomResource {
    declare public readonly host: pulumi.Output<string>;
    declare public readonly address: pulumi.Output<string>;
    /** The host's operating system by its own name. */
    declare public readonly system: pulumi.Output<string>;
    /** Installed versions of the packages that the service needs. */
    declare public readonly packages: pulumi.Output<Record<string, string>>;

    public constructor(name: string, args: HostConfigArgs, opts?: pulumi.CustomResourceOptions) {
        super("mesos:index:HostConfig", name, { ...args, address: undefined, system: undefined }, opts);
    }
}
