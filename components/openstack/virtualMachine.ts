import * as openstack from "@pulumi/openstack";
import * as pulumi from "@pulumi/pulumi";
import { type ConnectionArgs, Machine } from "../../provider/sdk";
import type { CloudRef } from "../../provider/clients/cloudCredentials";
import type { InstancePlan } from "../../site/plan/types";
import { type IHost, through } from "../shared/host";
import { type CloudHooks, siteMark } from "./hooks";
import type { Project } from "./project";
import type { SiteNetwork } from "./siteNetwork";

export interface VirtualMachineArgs {
    readonly plan: InstancePlan;
    readonly project: Project;
    readonly cluster: string;
    readonly cloud: CloudRef;
    readonly hooks: CloudHooks;
    /** By the stack file's names. */
    readonly networks: ReadonlyMap<string, SiteNetwork>;
    /** Id of the image. */
    readonly image: pulumi.Input<string>;
    readonly extraGroups: readonly string[];
    /** Ends when the instance may be made or replaced. */
    readonly turn: Promise<void>;
    /**
     * Another value than the last one replaces the instance: the id of the one that has failed. Null replaces nothing,
     * where a cloud is out of reach.
     */
    readonly trigger: Promise<string | null>;
    /** The machine that it is reached through. @default - reached straight, or through a host that others made */
    readonly bastion?: IHost;
    /** Moving to another failure domain, which makes the machine anew, is allowed. */
    readonly confirmed: boolean;
}

/** What stands for "no instance has failed". */
export const SOUND = "nothing";

/** Waits, and leaves no dependency in the state. */
export async function afterwards(turn: Promise<void>): Promise<pulumi.Input<pulumi.Resource>[]> {
    await turn;
    return [];
}

/** Root may log in by key, as HostConfig needs it. All other configuration comes later, so this text never has to change. */
const USER_DATA = "#cloud-config\ndisable_root: false\nssh_pwauth: false\n";

/**
 * A virtual machine on a port of its own, so that its address outlives it. What is on it is HostConfig's affair.
 *
 * It is no component: the engine pays for every resource, and a site has many machines.
 */
export class VirtualMachine implements IHost {
    public readonly name: string;
    public readonly dependsOn: readonly pulumi.Resource[];
    public readonly machine: NonNullable<IHost["machine"]>;

    public constructor(private readonly args: VirtualMachineArgs) {
        const { plan, project, cloud } = args;
        this.name = plan.host;
        const { network } = plan.failureDomain;
        const port = this.port(`${plan.host}-port`, plan.host, network, plan.address, plan.failureDomain.subnet);
        const instance = this.instance(port);
        const attached = plan.extraNetworks.map((extra, index) => {
            const name = `${plan.host}-${extra.network}`;
            const second = this.port(`${name}-port`, name, extra.network, extra.address, undefined);
            return new openstack.compute.InterfaceAttach(
                `${name}-attachment${index === 0 ? "" : `-${index}`}`,
                { instanceId: instance.id, portId: second.id },
                project.child(),
            );
        });
        const volume = this.dataVolume(instance);
        const connection = this.connection(port);
        const ready = new Machine(
            `${plan.host}-machine`,
            { host: plan.host, instance: instance.id, cloud, connection },
            { parent: project },
        );
        this.dependsOn = [...attached, ready];
        this.machine = {
            instance: ready.instance,
            zone: plan.failureDomain.name,
            connection: pulumi.all([connection, ready.hostKeys]).apply(([known, hostKeys]) => ({ ...known, hostKeys })),
            ...(volume === undefined ? {} : { volume }),
        };
    }

    private siteNetwork(name: string): SiteNetwork {
        const network = this.args.networks.get(name);
        if (network === undefined) {
            throw new Error(`the plan lists no network ${name}`);
        }
        return network;
    }

    /** Security groups are on ports and nowhere else: those of an instance are not applied to the ports that it is given. */
    private port(
        name: string,
        cloudName: string,
        networkName: string,
        address: string | undefined,
        subnet: string | undefined,
    ): openstack.networking.Port {
        const { plan, project, extraGroups, cluster, hooks } = this.args;
        const network = this.siteNetwork(networkName);
        const subnetId = subnet ?? network.subnet;
        const groups = [...plan.securityGroups.map((group) => project.securityGroup(group)), ...extraGroups];
        // The SDK's type asks for a subnet; without one Neutron takes the one that holds the address.
        const fixedIp = {
            ...(address !== undefined && { ipAddress: address }),
            ...(subnetId !== undefined && { subnetId }),
        };
        return new openstack.networking.Port(
            name,
            {
                name: cloudName,
                description: siteMark(cluster),
                networkId: network.id,
                ...(address !== undefined && {
                    fixedIps: [fixedIp as openstack.types.input.networking.PortFixedIp],
                }),
                // Neither left out: Neutron would put the project's default group there.
                ...(groups.length > 0 ? { securityGroupIds: groups } : { noSecurityGroups: true }),
            },
            { ...project.child(), ...hooks.ofPort() },
        );
    }

    private instance(port: openstack.networking.Port): openstack.compute.Instance {
        const { plan, project, image, turn, trigger, confirmed, cluster, hooks } = this.args;
        const group = project.serverGroup(plan.tier);
        const { bootVolume } = plan;
        return new openstack.compute.Instance(
            `${plan.host}-instance`,
            {
                name: plan.host,
                flavorName: plan.flavor,
                // Never both: Nova answers "Attempt to boot from volume" for the image, and every run would make it anew.
                ...(bootVolume === undefined
                    ? { imageId: image }
                    : {
                          blockDevices: [
                              {
                                  sourceType: "image",
                                  destinationType: "volume",
                                  uuid: image,
                                  volumeSize: bootVolume.sizeGiB,
                                  ...(bootVolume.type !== undefined && { volumeType: bootVolume.type }),
                                  bootIndex: 0,
                                  deleteOnTermination: true,
                              },
                          ],
                      }),
                keyPair: project.keyPair(plan.keyPair),
                availabilityZone: plan.failureDomain.zone,
                networks: [{ port: port.id }],
                ...(group !== undefined && { schedulerHints: [{ group }] }),
                ...((plan.connection.user ?? "root") === "root" && { userData: USER_DATA }),
                metadata: {
                    "pulumi-mesos-site": siteMark(cluster),
                    "pulumi-mesos-shape": plan.shape,
                    "pulumi-mesos-image": image,
                    "pulumi-mesos-instead": trigger.then((value) => value ?? SOUND),
                },
            },
            {
                ...project.child(),
                protect: plan.protect,
                // The address is fixed: the old machine must be gone before the new one can have its port.
                deleteBeforeReplace: true,
                // The plugin would rebuild or resize the machine under its services.
                replaceOnChanges: ["imageId", "flavorName"],
                ignoreChanges: [
                    "userData",
                    "keyPair",
                    "schedulerHints",
                    "metadata",
                    ...(confirmed ? [] : ["availabilityZone"]),
                    // Networks that are attached later show up here.
                    ...(plan.extraNetworks.length > 0 ? ["networks"] : []),
                ],
                replacementTrigger: trigger,
                dependsOn: afterwards(turn),
                ...hooks.ofInstance(),
            },
        );
    }

    /** A volume apart from the machine: kept when the machine goes, attached by a resource of its own. */
    private dataVolume(instance: openstack.compute.Instance): NonNullable<IHost["machine"]>["volume"] | undefined {
        const { plan, project, confirmed, hooks } = this.args;
        const { dataVolume, failureDomain } = plan;
        if (dataVolume === undefined) {
            return undefined;
        }
        const { sizeGiB, type, mount, filesystem } = dataVolume;
        const volume = new openstack.blockstorage.Volume(
            `${plan.host}-data`,
            {
                name: `${plan.host}-data`,
                size: sizeGiB,
                ...(failureDomain.volumeZone !== undefined && { availabilityZone: failureDomain.volumeZone }),
                ...(type !== undefined && { volumeType: type }),
                enableOnlineResize: true,
            },
            {
                ...project.child(),
                protect: plan.protect,
                retainOnDelete: true,
                ignoreChanges: confirmed ? [] : ["availabilityZone", "volumeType"],
            },
        );
        const attachment = new openstack.compute.VolumeAttach(
            `${plan.host}-data-attachment`,
            { instanceId: instance.id, volumeId: volume.id },
            // A volume cannot be attached twice.
            { ...project.child(), ...hooks.ofAttachment(), deleteBeforeReplace: true },
        );
        return pulumi.all([volume.id, attachment.device]).apply(([id, device]) => ({ id, device, mount, filesystem }));
    }

    /** Straight to its address, or to the one from outside, or through the bastion. */
    private connection(port: openstack.networking.Port): ConnectionArgs {
        const { plan, project, bastion } = this.args;
        if (plan.floatingIpPool === undefined) {
            return through(bastion, plan.connection);
        }
        const outside = new openstack.networking.FloatingIp(
            `${plan.host}-floating-ip`,
            { pool: plan.floatingIpPool, portId: port.id },
            { ...project.child(), dependsOn: [...this.siteNetwork(plan.failureDomain.network).way] },
        );
        return { ...plan.connection, jump: undefined, address: outside.address };
    }
}
