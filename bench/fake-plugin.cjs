// A resource plugin that says "done" to everything: with it an `up` makes the state that a real one would, without a host
// or a cloud. Properties pass through as they came, secrets included.
const { join } = require("node:path");
const { createRequire } = require("node:module");
const load = createRequire(join(__dirname, "..", "node_modules", "@pulumi", "pulumi", "package.json"));
const grpc = load("@grpc/grpc-js");
const { ResourceProviderService } = load("./proto/provider_grpc_pb");
const rpc = load("./proto/provider_pb");
const { PluginInfo } = load("./proto/plugin_pb");
const { Empty } = load("google-protobuf/google/protobuf/empty_pb");
const { Struct, Value } = load("google-protobuf/google/protobuf/struct_pb");

const kind = process.argv[2];
const version = { mesos: "0.1.0", openstack: "3.15.2" }[kind];
let made = 0;
const secret = (text) =>
    Value.fromJavaScript({ "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", value: text });

// What OpenStack adds to what was asked for; without it the real plugin would find something to add.
function answered(type, inputs) {
    const region = "bench";
    switch (type) {
        case "openstack:networking/port:Port":
        case "openstack:networking:Port": {
            const fixedIps = inputs.fixedIps.map((ip) => ({ subnetId: "", ...ip }));
            const ips = fixedIps.map(({ ipAddress }) => ipAddress);
            return {
                adminStateUp: true,
                allFixedIps: ips,
                allSecurityGroupIds: [],
                allTags: [],
                deviceId: "",
                deviceOwner: "",
                dnsAssignments: [],
                dnsName: "",
                fixedIps,
                macAddress: "fa:16:3e:00:00:01",
                portSecurityEnabled: true,
                qosPolicyId: "",
                region,
                tenantId: "t",
            };
        }
        case "openstack:compute/instance:Instance":
        case "openstack:compute:Instance": {
            const networks = inputs.networks.map(({ port }) => ({
                accessNetwork: false,
                fixedIpV4: "10.0.0.1",
                fixedIpV6: "",
                mac: "fa:16:3e:00:00:01",
                name: "n",
                port,
                uuid: "",
            }));
            return {
                accessIpV4: "10.0.0.1",
                accessIpV6: "",
                allMetadata: {},
                allTags: [],
                created: "",
                flavorId: "1",
                forceDelete: false,
                imageName: "image",
                networks,
                powerState: "active",
                region,
                securityGroups: [],
                stopBeforeDestroy: false,
                updated: "",
            };
        }
        case "openstack:blockstorage/volume:Volume":
        case "openstack:blockstorage:Volume":
            return {
                attachments: [],
                metadata: {},
                region,
                volumeRetypePolicy: "never",
                volumeType: inputs.volumeType ?? "standard",
            };
        case "openstack:networking/secGroup:SecGroup":
        case "openstack:networking:SecGroup":
            return { allTags: [], region };
        case "openstack:compute/serverGroup:ServerGroup":
        case "openstack:compute:ServerGroup":
            return { members: [], region };
        default:
            return {};
    }
}

function created(request) {
    const properties = request.getProperties() ?? new Struct();
    const fields = properties.getFieldsMap();
    const type = request.getUrn().split("::")[2].split("$").pop();
    const text = (value) => Value.fromJavaScript(value);
    const response = new rpc.CreateResponse();
    let id = `00000000-0000-4000-8000-${String(++made).padStart(12, "0")}`;
    if (type === "mesos:index:GeneratedSecret") {
        fields.set("value", secret("BenchBenchBenchBenchBenchBenchBe"));
        id = request.getUrn().split("::").pop();
    } else if (type === "mesos:index:HostConfig") {
        const inputs = request.getProperties().toJavaScript();
        id = `${inputs.rollout.tier}/${inputs.host}`;
        const out = Struct.fromJavaScript({
            host: inputs.host,
            address: inputs.connection.address,
            system: "Debian GNU/Linux 12 (bookworm)",
            packages: {},
        });
        response.setId(id);
        response.setProperties(out);
        return response;
    }
    if (type === "mesos:index:Lookup") {
        fields.set("found", text(id));
        id = `${fields.get("kind").getStringValue()}/${fields.get("alias").getStringValue()}`;
    } else if (type === "mesos:index:Machine") {
        fields.set("hostKeys", text(["ssh-ed25519 AAAA"]));
        id = `machine/${fields.get("host").getStringValue()}`;
    }
    if (kind === "openstack")
        for (const [key, value] of Object.entries(answered(type, properties.toJavaScript())))
            fields.set(key, text(value));
    fields.set("id", text(id));
    response.setId(id);
    response.setProperties(properties);
    return response;
}

const handlers = {
    handshake: () => {
        const response = new rpc.ProviderHandshakeResponse();
        response.setAcceptSecrets(true);
        return response;
    },
    getPluginInfo: () => {
        const info = new PluginInfo();
        info.setVersion(version);
        return info;
    },
    attach: () => new Empty(),
    getSchema: () => {
        const response = new rpc.GetSchemaResponse();
        response.setSchema(JSON.stringify({ name: kind, version }));
        return response;
    },
    checkConfig: (request) => {
        const response = new rpc.CheckResponse();
        response.setInputs(request.getNews());
        return response;
    },
    diffConfig: () => new rpc.DiffResponse(),
    configure: () => {
        const response = new rpc.ConfigureResponse();
        response.setAcceptsecrets(true);
        response.setSupportspreview(true);
        return response;
    },
    cancel: () => new Empty(),
    check: (request) => {
        const response = new rpc.CheckResponse();
        response.setInputs(request.getNews());
        return response;
    },
    create: created,
    // A cloud where everything is there and nothing is in the way.
    invoke: () => {
        const response = new rpc.InvokeResponse();
        response.setReturn(Struct.fromJavaScript({ problems: [], servers: [], removed: [] }));
        return response;
    },
};
const server = new grpc.Server({ "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 });
const wrapped = Object.entries(handlers).map(([name, serve]) => [
    name,
    (call, callback) => {
        try {
            callback(null, serve(call.request));
        } catch (error) {
            callback({ code: grpc.status.UNKNOWN, message: error.stack });
        }
    },
]);
server.addService(ResourceProviderService, Object.fromEntries(wrapped));
server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
    if (error) throw error;
    process.stdout.write(`${port}\n`);
});
// Bounded: never longer than the longest run, and not without an engine.
const parent = process.ppid;
setInterval(() => process.ppid !== parent && process.exit(1), 1000);
