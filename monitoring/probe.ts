/** Looks at one thing, and says what it is like; that it does not answer is a result as well. */
import { readFileSync } from "node:fs";
import { basicAuth } from "../frameworks/scheduler/credential";
import { accessClient } from "../provider/clients/access";
import { certificateLife } from "../provider/clients/certificate";
import { open, textOf } from "../provider/clients/request";
import { schedulerClient } from "../provider/clients/schedulers";
import { monitored } from "../provider/clients/zookeeper";
import { appSamples, mesosSamples, type Sample, zookeeperSamples } from "./metrics";
import type { Login, Target } from "./settings";

const TIMEOUT_MS = 5000;

const credentialOf = ({ user, passwordFile }: Login) => ({
    principal: user,
    secret: readFileSync(passwordFile, "utf8").trim(),
});

async function json(url: string, login: Login | undefined, ca?: string): Promise<unknown> {
    const headers: Record<string, string> = { Accept: "application/json" };
    if (login !== undefined) {
        headers["Authorization"] = basicAuth(credentialOf(login));
    }
    const answer = await open(url, { headers, ca, signal: AbortSignal.timeout(TIMEOUT_MS) });
    const text = await textOf(answer);
    if (answer.statusCode !== 200) throw new Error(`HTTP ${answer.statusCode ?? 0}`);
    return JSON.parse(text);
}

async function schedulerSamples(
    target: Extract<Target, { readonly kind: "marathon" | "metronome" }>,
): Promise<Sample[]> {
    const { kind, host, address, port, login, tls } = target;
    const ca = tls?.caFile === undefined ? undefined : readFileSync(tls.caFile, "utf8");
    const base = `${tls === undefined ? "http" : "https"}://${address}:${port}`;
    const health = await schedulerClient.health(base, kind, login && credentialOf(login), ca);
    if (health === undefined) throw new Error("does not answer");
    const leads = [host, address].map((name) => `${name}:${port}`).includes(health.leader ?? "");
    return [
        { name: `${kind}_leads`, value: leads ? 1 : 0 },
        // The others would only hand the question on.
        ...(leads && kind === "marathon" ? appSamples(await json(`${base}/v2/apps?embed=apps.counts`, login, ca)) : []),
    ];
}

/** What can be told of a server even when it does not serve as it should. */
async function alwaysOf(target: Target): Promise<Sample[]> {
    if (!("tls" in target)) return [];
    const life = await certificateLife(`https://${target.address}:${target.port}`, TIMEOUT_MS).catch(() => undefined);
    return life === undefined ? [] : [{ name: "certificate_not_after_seconds", value: life.until.getTime() / 1000 }];
}

async function samplesOf(target: Target): Promise<Sample[]> {
    const { address, port } = target;
    switch (target.kind) {
        case "mesos":
            return mesosSamples(await json(`http://${address}:${port}/metrics/snapshot`, target.login));
        case "zookeeper":
            return zookeeperSamples(await monitored(address, port));
        case "marathon":
        case "metronome":
            return schedulerSamples(target);
        case "access": {
            if (!(await accessClient.answers(target.service, address, {}))) throw new Error("does not answer");
            return [];
        }
    }
}

/** @returns `probe_success`, 1 or 0, `probe_duration_seconds`, and what it tells of itself; it never throws */
export async function probe(target: Target, log: (line: string) => void): Promise<Sample[]> {
    const began = Date.now();
    const found = await samplesOf(target).catch((error: unknown) => {
        log(`${target.host}: ${target.kind} at ${target.address}:${target.port}: ${(error as Error).message}`);
        return undefined;
    });
    return [
        { name: "probe_success", value: found === undefined ? 0 : 1 },
        { name: "probe_duration_seconds", value: (Date.now() - began) / 1000 },
        ...(await alwaysOf(target)),
        ...(found ?? []),
    ];
}
