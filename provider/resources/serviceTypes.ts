/** The resource types above the hosts, by the name that programs use. */
import type { Dependencies } from "./connections";
import { marathonDefinition } from "./marathonDefinition";
import { marathonGroup } from "./marathonGroup";
import { mesosMaintenance, mesosQuota, mesosWeight } from "./mesosOperator";
import { metronomeJob, metronomeSchedule } from "./metronome";
import type { ResourceType } from "./resource";

export function serviceTypes(dependencies: Dependencies): Readonly<Record<string, ResourceType>> {
    return {
        MarathonApp: marathonDefinition("app", dependencies),
        MarathonPod: marathonDefinition("pod", dependencies),
        MarathonGroup: marathonGroup(dependencies),
        MetronomeJob: metronomeJob(dependencies),
        MetronomeSchedule: metronomeSchedule(dependencies),
        MesosQuota: mesosQuota(dependencies),
        MesosWeight: mesosWeight(dependencies),
        MesosMaintenance: mesosMaintenance(dependencies),
    };
}
