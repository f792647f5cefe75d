/** Which offer gets which agents. */
import type { Ask, Offer } from "../scheduler";
import type { Hosts } from "../service/hosts";
import { type Missing as MissingTasks, place as placeTasks, type Placement } from "../service/placing";
import type { SessionSpec } from "./config";

/** Agents that are to be started. */
export interface Missing extends MissingTasks {
    readonly session: string;
    readonly generation: string;
    readonly spec: SessionSpec;
}

/** Whether the host is such as a session wants. */
export const suits = ({ attributes: wanted }: SessionSpec, { attributes = [] }: Offer): boolean =>
    Object.entries(wanted).every(([key, value]) =>
        attributes.some(
            ({ name, text, scalar }) => name === key && (text?.value ?? String(scalar?.value ?? "")) === value,
        ),
    );

/**
 * Puts what is missing on what is offered, sessions in turn.
 * @param taken agents that there are, on which of Mesos' agents
 */
export function place(
    missing: readonly Missing[],
    offers: readonly Offer[],
    taken: readonly { readonly session: string; readonly agentId?: string }[],
    hosts: Hosts,
    nowMs: number,
): Placement<Missing> {
    const there = new Map<string, number>();
    const key = (session: string, agentId = ""): string => `${session} ${agentId}`;
    const add = (place: string): void => void there.set(place, (there.get(place) ?? 0) + 1);
    taken.forEach(({ session, agentId }) => add(key(session, agentId)));
    const asks = new Map<Missing, Ask>();
    const askOf = ({ spec: { cpus, memMiB: mem, diskMiB: disk } }: Missing): Ask => ({ scalars: { cpus, mem, disk } });
    return placeTasks(missing, offers, hosts, nowMs, {
        ask: (wanted) => {
            const ask = asks.get(wanted) ?? askOf(wanted);
            asks.set(wanted, ask);
            return ask;
        },
        suits: ({ session, spec }, offer) =>
            (there.get(key(session, offer.agent_id.value)) ?? 0) < spec.agentsPerHost && suits(spec, offer),
        placed: ({ session }, offer) => add(key(session, offer.agent_id.value)),
    });
}
