/** Failures on a host, in the words of who must mend them. */
import { UserError } from "../resources/resource";

export class HostError extends UserError {
    /** Something may have been changed on the host before it failed. */
    public touched = false;
    /** Another machine answers there than the one whose keys were recorded. */
    public isOtherMachine = false;

    public constructor(
        public readonly host: string,
        /** What was being done, e.g. "preflight", "install packages". */
        public readonly step: string,
        public readonly reason: string,
        public readonly fix?: string,
    ) {
        super(`${host}: ${step}: ${reason}${fix === undefined ? "" : `\n  fix: ${fix}`}`);
    }
}
