/**
 * Node.js' modules as the SDK gets them: without what it would change in V8 when it is loaded.
 *
 * For functions that are sent elsewhere as text (dynamic providers), which this project has none of, the SDK switches V8's
 * debugger on, and with it every promise of the process takes the slow way; and it sets a flag, after which V8 refuses every
 * code cache that was made before.
 */
import v8 from "node:v8";

class QuietSession {
    public connect(): void {
        // To nobody.
    }

    public addListener(): void {
        // Nothing will be told.
    }

    /** @throws Error for anything but what the SDK asks at its start */
    public post(method: string, ...rest: unknown[]): void {
        if (method !== "Debugger.enable") {
            throw new Error(`${method}: functions of this program cannot be serialized (dynamic providers)`);
        }
        (rest.at(-1) as (error: null) => void)(null);
    }
}

/** By the name that the SDK asks for. */
export const quiet: Readonly<Record<string, unknown>> = {
    inspector: { Session: QuietSession },
    v8: { ...v8, setFlagsFromString: (): void => undefined },
};
