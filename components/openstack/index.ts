import * as pulumi from "@pulumi/pulumi";
import { checkCloud, Lookup, type CheckCloudResult } from "../../provider/sdk";
import type { InstancePlan, OpenStackPlan, ProjectPlan } from "../../site/plan/types";
import { QUORUM, type Turn, Turns } from "../shared/turns";
import { cloudRef } from "./cloudRef";
import { CloudHooks } from "./hooks";
import { Project } from "./project";
import { existingNetwork, networkName, ownNetwork, type SiteNetwork } from "./siteNetwork";
import { afterwards, SOUND, VirtualMachine } from "./virtualMachine";

export interface VirtualMachines {
    readonly hosts: readonly VirtualMachine[];
    /** Rejects when a cloud cannot have what is planned. */
    readonly gate: Promise<void>;
    readonly turns: Turns;
}

type SeenServer = CheckCloudResult["servers"][number];

interface Seen {
    /** By name. */
    readonly servers: ReadonlyMap<string, SeenServer>;
    /** Projects whose cloud did not answer. */
    readonly unreached: ReadonlySet<string>;
}

/** Asks every project what it has and lacks; a cloud that is out of reach is said and passed over. */
async function askClouds(plan: OpenStackPlan): Promise<Seen> {
    const answers = await Promise.all(
        plan.projects.map((project) => {
            const own = <T extends { readonly project: string }>(items: readonly T[]): T[] =>
                items.filter((item) => item.project === project.name);
            const machines = own(plan.instances).map(
                ({ host, flavor, bootVolume, dataVolume, extraNetworks, floatingIpPool }) => ({
                    name: host,
                    flavor,
                    ...(bootVolume === undefined ? {} : { bootVolumeGiB: bootVolume.sizeGiB }),
                    ...(dataVolume === undefined ? {} : { dataVolumeGiB: dataVolume.sizeGiB }),
                    ports: [host, ...extraNetworks.map(({ network }) => `${host}-${network}`)],
                    floatingIp: floatingIpPool !== undefined,
                }),
            );
            const made = own(plan.networks).filter(({ existing }) => existing === undefined);
            const networks = made.map(({ name }) => networkName(plan.cluster, name));
            const surroundings = {
                networks,
                subnets: networks,
                routers: made
                    .filter(({ routerTo }) => routerTo !== undefined)
                    .map(({ name }) => networkName(plan.cluster, name)),
                securityGroups: own(plan.securityGroups).map(({ name, rules }) => ({ name, rules: rules.length })),
            };
            return checkCloud({ project: project.name, cloud: cloudRef(project), machines, surroundings });
        }),
    );
    answers.forEach(({ unreached }, index) => {
        if (unreached !== undefined) {
            const name = plan.projects[index]?.name ?? "";
            void pulumi.log.info(
                `project ${name}: quotas and names are not checked: ${unreached.split("\n")[0] ?? ""}`,
            );
        }
    });
    const problems = answers.flatMap((answer) => answer.problems);
    if (problems.length > 0) {
        throw new pulumi.RunError(
            `the clouds cannot have what is planned; nothing was changed\n${problems.join("\n")}`,
        );
    }
    return {
        servers: new Map(answers.flatMap(({ servers }) => servers).map((server) => [server.name, server])),
        unreached: new Set(
            plan.projects.filter((_, index) => answers[index]?.unreached !== undefined).map(({ name }) => name),
        ),
    };
}

/** The value of an output; undefined where a preview cannot know it. */
async function known(value: pulumi.Input<string>): Promise<string | undefined> {
    const output = pulumi.output(value) as unknown as { promise(): Promise<string>; isKnown: Promise<boolean> };
    const settled = await output.promise();
    return (await output.isKnown) ? settled : undefined;
}

/** All virtual machines of a site, each in its project. */
export function makeMachines(
    plan: OpenStackPlan,
    options: { readonly confirmed: boolean; readonly services: ReadonlyMap<string, number> },
): VirtualMachines {
    const seen = askClouds(plan);
    const gate = seen.then(() => undefined);
    const gated = { dependsOn: afterwards(gate) };
    const projectPlans = new Map<string, ProjectPlan>(plan.projects.map((project) => [project.name, project]));
    const projects = new Map(plan.projects.map((project) => [project.name, new Project(project, plan, gated)]));
    const get = <T>(map: ReadonlyMap<string, T>, name: string): T => {
        const value = map.get(name);
        if (value === undefined) {
            throw new Error(`the plan lists no ${name}`);
        }
        return value;
    };
    const images = new Map(
        plan.images.map(({ name, project, id, imageName, generation }) => {
            const image = {
                kind: "image",
                alias: name,
                cloud: cloudRef(get(projectPlans, project)),
                generation,
            } as const;
            const what = {
                ...(id === undefined ? {} : { given: id }),
                ...(imageName === undefined ? {} : { name: imageName }),
            };
            return [name, new Lookup(`image-${name}`, { ...image, ...what }, { parent: get(projects, project) }).found];
        }),
    );
    const networks = new Map<string, SiteNetwork>(
        plan.networks.map((network) => {
            const project = get(projects, network.project);
            return [
                network.name,
                network.existing === undefined
                    ? ownNetwork(network, plan.cluster, project, cloudRef(get(projectPlans, network.project)))
                    : existingNetwork(network, get(projectPlans, network.project), { parent: project }),
            ];
        }),
    );
    const hooks = new Map<string, CloudHooks>();
    const hooksOf = (project: string): CloudHooks => {
        const made = hooks.get(project) ?? new CloudHooks(project, cloudRef(get(projectPlans, project)), plan.cluster);
        hooks.set(project, made);
        return made;
    };
    const replaced = whichAreReplaced(plan, seen, images, options.services);
    const turns = new Turns(replaced);
    const made = new Map<string, VirtualMachine>();
    // Bastions first: what is behind them is reached through them.
    const behind = ({ connection }: InstancePlan): number => (connection.jump === undefined ? 0 : 1);
    for (const instance of [...plan.instances].sort((a, b) => behind(a) - behind(b))) {
        const bastion = made.get(instance.connection.jump?.host ?? "");
        made.set(
            instance.host,
            new VirtualMachine({
                plan: instance,
                project: get(projects, instance.project),
                cluster: plan.cluster,
                hooks: hooksOf(instance.project),
                cloud: cloudRef(get(projectPlans, instance.project)),
                networks,
                image: get(images, instance.image),
                extraGroups: plan.extraGroups,
                turn: turns.of(instance.host),
                trigger: seen.then(({ servers, unreached }) => {
                    const server = servers.get(instance.host);
                    if (unreached.has(instance.project)) {
                        return null;
                    }
                    return server?.status === "ERROR" ? server.id : server?.instead || SOUND;
                }),
                confirmed: options.confirmed,
                ...(bastion === undefined ? {} : { bastion }),
            }),
        );
    }
    const hosts = [...made.values()];
    hosts.forEach(({ name, dependsOn }) => turns.belongs(name, dependsOn));
    return { hosts, gate, turns };
}

/** The machines that this run makes anew, those of the quorum first. A preview only tells the order. */
async function whichAreReplaced(
    plan: OpenStackPlan,
    seen: Promise<Seen>,
    images: ReadonlyMap<string, pulumi.Output<string>>,
    services: ReadonlyMap<string, number>,
): Promise<readonly Turn[]> {
    // What is wrong with a cloud is told by the gate.
    const present = await seen.then(
        ({ servers }) => servers,
        () => new Map<string, SeenServer>(),
    );
    const ids = new Map(await Promise.all([...images].map(async ([name, id]) => [name, await known(id)] as const)));
    const bastions = new Set(plan.instances.flatMap(({ connection: { jump } }) => jump?.host ?? []));
    const rank = ({ host, tier }: Turn): number => (bastions.has(host) ? 2 : tier === QUORUM ? 1 : 0);
    const turns = plan.instances
        .filter(({ host, shape, image }) => {
            const server = present.get(host);
            const id = ids.get(image);
            const other = server?.shape !== shape || (id !== undefined && server.image !== id);
            // One that has failed serves nothing: it waits for nobody.
            return server !== undefined && server.shape !== "" && other && server.status !== "ERROR";
        })
        .map(({ host, tier, maxUnavailable }) => ({ host, tier, maxUnavailable, services: services.get(host) }))
        // What is behind a bastion cannot be reached before that is made again.
        .sort((a, b) => rank(b) - rank(a));
    if (turns.length > 1) {
        const text = turns.map(({ host }) => host).join(", ");
        void pulumi.log.info(`machines are replaced in this order, each after its services are healthy again: ${text}`);
    }
    return pulumi.runtime.isDryRun() ? [] : turns;
}
