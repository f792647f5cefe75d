/** Virtual machines, volumes and whatever else OpenStack is asked for. */
import { UNKNOWN } from "../provider/wire";
import type { Step } from "./steps";

export interface CloudChange {
    readonly what: string;
    readonly name: string;
    readonly change: Step["change"];
    /** Properties that make it another one, or that change. */
    readonly because: readonly string[];
    readonly protect: boolean;
    readonly retained: boolean;
}

const words: Readonly<Record<string, string>> = {
    "openstack:compute/instance:Instance": "virtual machine",
    "openstack:blockstorage/volume:Volume": "volume",
    "openstack:networking/port:Port": "port",
    "openstack:networking/floatingIp:FloatingIp": "floating address",
    "openstack:networking/network:Network": "network",
};

/** The old and the new value of a property, where both may be shown. */
function detail(step: Step, path: string): string {
    const key = path.split(/[.[]/)[0] ?? path;
    const [old, next] = [step.before?.inputs?.[key], step.after?.inputs?.[key]];
    const isPlain = (value: unknown): value is string | number | boolean =>
        ["string", "number", "boolean"].includes(typeof value) &&
        value !== "[secret]" &&
        value !== UNKNOWN &&
        String(value).length <= 60;
    return isPlain(old) && isPlain(next) && old !== next ? `${path} ${old} → ${next}` : path;
}

/** @returns undefined for a step that changes nothing of OpenStack */
export function cloudChange(step: Step): CloudChange | undefined {
    if (!step.type.startsWith("openstack:") || step.change === "same") return undefined;
    const kind = step.type.split(":").pop() ?? step.type;
    const paths = step.change === "replace" && step.replacing.length > 0 ? step.replacing : step.paths;
    return {
        what: words[step.type] ?? kind,
        name: step.name,
        change: step.change,
        because: step.before === undefined ? [] : paths.map((path) => detail(step, path)),
        protect: step.before?.protect === true,
        retained: step.before?.retainOnDelete === true,
    };
}
