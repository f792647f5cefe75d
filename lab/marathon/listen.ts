/** Where a stand-in listens, from the flags of the real one: by HTTP, or by HTTPS with a keystore. */
import { readFileSync } from "node:fs";
import { type Flags, numberFlag } from "./flags";
import type { Keystore } from "./http";

export interface Listening {
    readonly port: number;
    readonly scheme: "http" | "https";
    readonly keystore?: Keystore;
}

/** Names of the flags: Marathon's, or Metronome's, which are those of the Play framework. */
export interface ListenFlags {
    readonly httpPort: readonly [string, number];
    readonly httpsPort: readonly [string, number];
    readonly keystorePath: string;
    readonly keystorePassword: string;
    /** Whether HTTP is off. */
    readonly plainIsOff: (flags: Flags) => boolean;
}

export const marathonListens: ListenFlags = {
    httpPort: ["http_port", 8080],
    httpsPort: ["https_port", 8443],
    keystorePath: "ssl_keystore_path",
    keystorePassword: "ssl_keystore_password",
    plainIsOff: (flags) => flags.has("disable_http"),
};

export const metronomeListens: ListenFlags = {
    httpPort: ["play_server_http_port", 9000],
    httpsPort: ["play_server_https_port", 9443],
    keystorePath: "play_server_https_keystore_path",
    keystorePassword: "play_server_https_keystore_password",
    plainIsOff: (flags) => flags.get("play_server_http_port") === "disabled",
};

/** @throws {Error} when HTTP is off without a keystore, or on with one: the real ones serve both then, which nobody here needs */
export function listening(flags: Flags, names: ListenFlags): Listening {
    const [path, passphrase] = [flags.get(names.keystorePath), flags.get(names.keystorePassword)];
    if (path === undefined || passphrase === undefined) {
        if (names.plainIsOff(flags)) throw new Error(`HTTP is off, and there is no --${names.keystorePath} with a password for HTTPS`);
        return { port: numberFlag(flags, ...names.httpPort), scheme: "http" };
    }
    if (!names.plainIsOff(flags)) throw new Error("the stand-in serves HTTP or HTTPS, not both: HTTP must be off where there is a keystore");
    return { port: numberFlag(flags, ...names.httpsPort), scheme: "https", keystore: { pfx: readFileSync(path), passphrase } };
}
