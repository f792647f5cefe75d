/** The resource types above the hosts, by the name that programs use. */
import type { Connections, Remembered } from "./connections";
import { marathonDefinition } from "./marathonDefinition";
import { marathonGroup } from "./marathonGroup";
import { mesosMaintenance, mesosQuota, mesosWeight } from "./mesosOperator";
import { mesosReservation } from "./mesosReservation";
import { metronomeJob, metronomeSchedule } from "./metronome";
import type { ResourceType } from "./resource";

/**
 * An import has no inputs: where the server is stands in configuration or environment, and goes into the state with what is
 * read. Otherwise the next refresh, which asks the state only, would not find it.
 */
function importing(type: ResourceType, remembered: () => Remembered): ResourceType {
    return {
        ...type,
        async read(id, properties, outputs, context) {
            if (Object.keys(properties).length > 0) return type.read(id, properties, outputs, context);
            const { inputs, secrets } = remembered();
            const state = await type.read(id, inputs, outputs, context);
            return state === undefined ? undefined : { inputs, secretInputs: secrets, ...state };
        },
    };
}

export function serviceTypes(connections: Connections): Readonly<Record<string, ResourceType>> {
    const on = (name: Parameters<Connections["remembered"]>[0], types: Record<string, ResourceType>) =>
        Object.fromEntries(
            Object.entries(types).map(([key, type]) => [key, importing(type, () => connections.remembered(name))]),
        );
    return {
        ...on("marathon", {
            MarathonApp: marathonDefinition("app", connections),
            MarathonPod: marathonDefinition("pod", connections),
            MarathonGroup: marathonGroup(connections),
        }),
        ...on("metronome", {
            MetronomeJob: metronomeJob(connections),
            MetronomeSchedule: metronomeSchedule(connections),
        }),
        ...on("masters", {
            MesosQuota: mesosQuota(connections),
            MesosWeight: mesosWeight(connections),
            MesosMaintenance: mesosMaintenance(connections),
            MesosReservation: mesosReservation(connections),
        }),
    };
}
