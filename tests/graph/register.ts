/** Runs the program with Pulumi's mocks. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { RegisterResourceRequest } from "@pulumi/pulumi/proto/resource_pb";
import { parse } from "yaml";
import { decode } from "../../provider/wire";

export interface Registered {
    readonly type: string;
    readonly name: string;
    readonly inputs: Record<string, unknown>;
    readonly options: {
        readonly protect: boolean;
        readonly retainOnDelete: boolean;
        readonly deleteBeforeReplace: boolean;
        readonly ignoreChanges: readonly string[];
        readonly replaceOnChanges: readonly string[];
        /** Names of the resources that it depends on. */
        readonly dependsOn: readonly string[];
    };
}

const root = join(__dirname, "..", "..");

export function siteOf(file: string): Record<string, unknown> {
    const stack = parse(readFileSync(join(root, file), "utf8")) as { config: Record<string, Record<string, unknown>> };
    return stack.config["pulumi-mesos:site"] ?? {};
}

const nameOf = (urn: string): string => urn.slice(urn.lastIndexOf("::") + 2);

/** What a plugin's function answers, by its token. */
export type Answers = Readonly<Record<string, (args: unknown) => Record<string, unknown>>>;

/** As a preview without any cloud. */
const unreached: Answers = {
    "mesos:index:checkCloud": () => ({ unreached: "nothing says where Keystone is", problems: [], servers: [] }),
};

type Mocked = Record<
    "registerErrorHook" | "registerResourceHook" | "registerResource",
    (request: unknown, done: (...all: unknown[]) => void) => unknown
>;

/** Runs the program on a site and returns what it registers, in that order. */
export async function register(
    site: unknown,
    config: Record<string, string> = {},
    answers: Answers = unreached,
): Promise<Registered[]> {
    const registered: Registered[] = [];
    const options = new Map<string, Registered["options"]>();
    jest.resetModules();
    const sdk = await import("@pulumi/pulumi");
    await sdk.runtime.setMocks(
        {
            newResource({ type, name, inputs }: { type: string; name: string; inputs: Record<string, unknown> }) {
                registered.push({
                    type,
                    name,
                    inputs: decode(inputs).value,
                    options: options.get(`${type} ${name}`) as Registered["options"],
                });
                const made: Record<string, Record<string, unknown>> = {
                    "mesos:index:Certificate": { certificate: `certificate-of-${name}`, key: `key-of-${name}` },
                    "mesos:index:CertificateAuthority": {
                        certificate: "the authority",
                        key: "its key",
                        trusted: "all authorities",
                    },
                    "mesos:index:GeneratedSecret": { value: `value-of-${name}` },
                    "mesos:index:Lookup": { found: inputs["given"] ?? `found-${name}` },
                    "mesos:index:Machine": { hostKeys: [`key-of-${name}`] },
                    "openstack:compute/volumeAttach:VolumeAttach": { device: "/dev/vdb" },
                    "openstack:networking/floatingIp:FloatingIp": { address: "192.0.2.7" },
                };
                return { id: `${name}-id`, state: { ...inputs, ...made[type] } };
            },
            call: ({ token, inputs }: { token: string; inputs: unknown }) => answers[token]?.(inputs) ?? {},
        },
        "pulumi-mesos",
        "test",
    );
    const monitor = sdk.runtime.getMonitor() as unknown as Mocked;
    // The SDK's mocks know nothing of hooks.
    monitor.registerErrorHook = (_request, done) => done(null, {});
    monitor.registerResourceHook = (_request, done) => done(null, {});
    const plain = monitor.registerResource.bind(monitor);
    monitor.registerResource = (request, done) => {
        const sent = request as RegisterResourceRequest;
        options.set(`${sent.getType()} ${sent.getName()}`, {
            protect: sent.getProtect() === true,
            retainOnDelete: sent.getRetainondelete() === true,
            deleteBeforeReplace: sent.getDeletebeforereplace(),
            ignoreChanges: sent.getIgnorechangesList(),
            replaceOnChanges: sent.getReplaceonchangesList(),
            dependsOn: sent.getDependenciesList().map(nameOf),
        });
        return plain(request, done);
    };
    sdk.runtime.setAllConfig({ ...config, "pulumi-mesos:site": JSON.stringify(site) });
    await import("../../index");
    await sdk.runtime.disconnect();
    return registered;
}
