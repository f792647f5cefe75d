/** What the file says that the exporter is started with. It holds no password: those have files of their own. */
import { readFileSync } from "node:fs";
import type { AccessService } from "../site/plan/types";

interface Place {
    /** Name of the host: the only thing that Prometheus asks with. */
    readonly host: string;
    readonly address: string;
    readonly port: number;
}

export interface Login {
    readonly user: string;
    /** File that holds nothing but the password. */
    readonly passwordFile: string;
}

/** One thing that is looked at. */
export type Target = Place &
    (
        | { readonly kind: "mesos"; readonly login?: Login }
        | { readonly kind: "zookeeper" }
        | {
              readonly kind: "marathon" | "metronome";
              readonly login?: Login;
              /** It speaks HTTPS; the file holds the certificates of authorities, PEM. */
              readonly tls?: { readonly caFile?: string };
          }
        | { readonly kind: "access"; readonly service: AccessService }
    );

export interface ExporterFile {
    readonly listen: { readonly address: string; readonly port: number };
    /** By Prometheus' job. */
    readonly jobs: Readonly<Record<string, readonly Target[]>>;
}

export const readSettings = (file: string): ExporterFile => JSON.parse(readFileSync(file, "utf8")) as ExporterFile;
