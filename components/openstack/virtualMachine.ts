import * as openstack from "@pulumi/openstack";
import * as pulumi from "@pulumi/pulumi";
import type { InstancePlan } from "../../site/plan/types";
import type { IHost } from "../shared/host";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** One provider per OpenStack project: a site may have several (ALICE had three). Credentials come from the environment. */
export function projectProvider(project: string): openstack.Provider {
    return new openstack.Provider(`openstack-${project}`, { tenantName: project });
}

/**
 * A virtual machine with a port of its own, so that its address outlives it. What is on it is HostConfig's affair:
 * no user_data that could replace the machine when a configuration changes (facts, bug 33).
 */
export class VirtualMachine extends pulumi.ComponentResource implements IHost {
    public readonly dependsOn: readonly pulumi.Resource[];

    public constructor(
        public readonly name: string,
        plan: InstancePlan,
        opts: pulumi.ComponentResourceOptions & { provider: openstack.Provider },
    ) {
        super("pulumi-mesos:openstack:VirtualMachine", name, {}, opts);
        // An id needs no look-up, so a preview needs no OpenStack; a name must find exactly one network.
        const networkId = UUID.test(plan.network)
            ? plan.network
            : openstack.networking.getNetworkOutput({ name: plan.network }, { parent: this }).id;
        const port = new openstack.networking.Port(
            `${name}-port`,
            {
                name,
                networkId,
                fixedIps: [
                    { ipAddress: plan.address, subnetId: plan.subnet } as openstack.types.input.networking.PortFixedIp,
                ],
            },
            { parent: this },
        );
        const instance = new openstack.compute.Instance(
            `${name}-instance`,
            {
                name,
                flavorName: plan.flavor,
                imageId: plan.imageId,
                keyPair: plan.keyPair,
                availabilityZone: plan.zone,
                networks: [{ port: port.id }],
            },
            // The address is fixed: the old machine must be gone before the new one can have its port.
            {
                parent: this,
                protect: plan.protect,
                deleteBeforeReplace: true,
                ignoreChanges: ["imageId", "userData", "keyPair"],
            },
        );
        this.dependsOn = [
            instance,
            ...(plan.dataVolumeGiB === undefined ? [] : [this.dataVolume(plan, instance, plan.dataVolumeGiB)]),
        ];
        this.registerOutputs({});
    }

    /** A volume apart from the machine: kept when the machine goes, attached by a resource of its own. */
    private dataVolume(plan: InstancePlan, instance: openstack.compute.Instance, size: number): pulumi.Resource {
        const volume = new openstack.blockstorage.Volume(
            `${this.name}-data`,
            {
                name: `${this.name}-data`,
                size,
                availabilityZone: plan.zone,
                ...(plan.dataVolumeType !== undefined && { volumeType: plan.dataVolumeType }),
            },
            { parent: this, protect: plan.protect, retainOnDelete: true },
        );
        return new openstack.compute.VolumeAttach(
            `${this.name}-data-attachment`,
            { instanceId: instance.id, volumeId: volume.id },
            { parent: this },
        );
    }
}
