/** Where checks put what they find. */
import { issue, type IssueDetails } from "../issue";
import type { Host } from "../plan/hosts";
import type { Issue } from "../plan/types";
import type { SiteConfig } from "../schema";

/** Collects faults, which stop everything, and warnings, which are shown with the plan. */
export class Report {
    readonly faults: Issue[] = [];
    readonly warnings: Issue[] = [];

    fault(code: string, path: string, message: string, details: IssueDetails = {}): void {
        this.faults.push(issue(code, path, message, details));
    }

    warn(code: string, path: string, message: string, details: IssueDetails = {}): void {
        this.warnings.push(issue(code, path, message, details));
    }
}

/** What a host is used for. */
export interface Use {
    readonly host: string;
    readonly role:
        | "zookeeper"
        | "master"
        | "agent"
        | "marathon"
        | "metronome"
        | "loadBalancer"
        | "discovery"
        | "bastion"
        | "workQueue"
        | "catalog"
        | "dds"
        | "validations"
        | "productions"
        | "buildStore"
        | "monitoring"
        | "nodeExporter";
    /** Name of the pool, for an agent. */
    readonly pool?: string;
    /** Name of the validation or production. */
    readonly campaign?: string;
    /** Where the stack file says so. */
    readonly path: string;
}

/** What every check gets. */
export interface Checked {
    readonly site: SiteConfig;
    readonly hosts: ReadonlyMap<string, Host>;
    /** Every use of a host, known or not, in the order of the file. */
    readonly uses: readonly Use[];
}

export type Check = (checked: Checked, report: Report) => void;
