/**
 * The field of the stack file that sets a flag of nearly its name, e.g. `agentPingTimeoutSec` for `agent_ping_timeout`.
 *
 * @param fields that there are
 * @returns undefined when none is like it
 */
export function fieldOf(flag: string, fields: readonly string[]): string | undefined {
    const name = flag.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
    return fields.find((field) => field === name) ?? fields.find((field) => field.startsWith(name));
}
