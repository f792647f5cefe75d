/** What the file says that the program is started with. It holds no password and no certificate: those have files of their own. */
import { readFileSync } from "node:fs";
import type { Endpoint } from "../provider/clients/http";
import type { BalancerPlace } from "./balancer";
import type { BalancerSettings } from "./haproxy";
import type { NameSettings } from "./names";

interface MarathonAt {
    readonly urls: readonly string[];
    /** File with the certificates of authorities, PEM. */
    readonly caFile?: string;
    readonly user?: string;
    /** File that holds nothing but the password. */
    readonly passwordFile?: string;
}

interface Common {
    readonly marathon: MarathonAt;
    readonly everyMs: number;
    readonly gatherMs: number;
}

export interface LoadBalancerFile extends Common {
    readonly balancer: BalancerSettings;
    readonly place: BalancerPlace;
}

export interface NamesFile extends Common {
    readonly names: NameSettings;
    readonly listen: { readonly address: string; readonly port: number };
    /** `zk://host:port,…/mesos` that the masters elect their leader at. */
    readonly masters: string;
}

export const readLoadBalancer = (file: string): LoadBalancerFile =>
    JSON.parse(readFileSync(file, "utf8")) as LoadBalancerFile;

export const readNames = (file: string): NamesFile => JSON.parse(readFileSync(file, "utf8")) as NamesFile;

export function endpointOf({ urls, caFile, user, passwordFile }: MarathonAt): Endpoint {
    return {
        urls,
        ...(caFile === undefined ? {} : { ca: readFileSync(caFile, "utf8") }),
        ...(user === undefined || passwordFile === undefined
            ? {}
            : { username: user, password: readFileSync(passwordFile, "utf8").trim() }),
    };
}
