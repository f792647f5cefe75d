/**
 * The engine's ResourceProvider service over gRPC, in one thin file.
 *
 * The SDK's own `main()` passes neither a preview flag to `diff`, nor detailed differences, nor the engine's log, and hands
 * secrets over wrapped; all of these are needed here. Everything that knows Mesos is in `resources/`.
 */
import * as grpc from "@grpc/grpc-js";
import { EngineClient } from "@pulumi/pulumi/proto/engine_grpc_pb";
import { LogRequest, LogSeverity } from "@pulumi/pulumi/proto/engine_pb";
import { PluginInfo } from "@pulumi/pulumi/proto/plugin_pb";
import { ResourceProviderService } from "@pulumi/pulumi/proto/provider_grpc_pb";
import * as rpc from "@pulumi/pulumi/proto/provider_pb";
import { Status } from "@pulumi/pulumi/proto/status_pb";
import { Any } from "google-protobuf/google/protobuf/any_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import type { PluginFunction } from "./functions/function";
import {
    type Context,
    InitError,
    type ResourceType,
    type State,
    UnreachableError,
    UserError,
} from "./resources/resource";
import {
    decode,
    differences,
    encode,
    formatPath,
    type Path,
    type Properties,
    whereSecretsAre,
    type Wire,
} from "./wire";

const PREFIX = "mesos:index:";
/** Set to `keep`: a refresh goes on past what cannot be looked at, and says so. By default it stops there. */
const KEEP_UNREACHABLE = "PULUMI_MESOS_UNREACHABLE";
const SEVERITY = { debug: LogSeverity.DEBUG, info: LogSeverity.INFO, warning: LogSeverity.WARNING };

type Call<Request, Response> = (
    call: { request: Request },
    callback: (error: Partial<grpc.ServiceError> | null, response?: Response) => void,
) => void;

/** Turns an async function into a gRPC handler whose errors are one readable message. */
function handler<Request, Response>(
    serve: (request: Request) => Promise<Response> | Response,
): Call<Request, Response> {
    return (call, callback) => {
        Promise.resolve()
            .then(() => serve(call.request))
            .then(
                (response) => callback(null, response),
                (error: unknown) => {
                    if (error instanceof InitError) {
                        callback(initFailure(error));
                        return;
                    }
                    const message =
                        error instanceof UserError ? error.message : ((error as Error).stack ?? String(error));
                    callback({ code: grpc.status.UNKNOWN, message });
                },
            );
    };
}

/** The protocol's way to say "it exists, but": details in a trailer of the gRPC status. */
function initFailure({ message, state }: InitError): Partial<grpc.ServiceError> {
    const detail = new rpc.ErrorResourceInitFailed();
    detail.setId(state.id);
    detail.setProperties(struct(state.outputs, []));
    detail.setReasonsList([message]);
    const any = new Any();
    any.pack(detail.serializeBinary(), "pulumirpc.ErrorResourceInitFailed");
    const status = new Status();
    status.setCode(grpc.status.UNKNOWN);
    status.setMessage(message);
    status.addDetails(any);
    const metadata = new grpc.Metadata();
    metadata.add("grpc-status-details-bin", Buffer.from(status.serializeBinary()));
    return { code: grpc.status.UNKNOWN, message, metadata };
}

function wire(struct: Struct | undefined): Wire {
    return decode(struct?.toJavaScript());
}

function struct(value: Properties, secrets: readonly Path[]): Struct {
    return Struct.fromJavaScript(encode(value, secrets));
}

interface Named {
    getUrn(): string;
}

export interface ServerOptions {
    readonly version: string;
    readonly types: Readonly<Record<string, ResourceType>>;
    /** Called with the plugin's own configuration, `mesos:NAME`. */
    readonly onConfigure?: (config: Properties) => void;
    /** Functions that programs call, by name. */
    readonly functions: Readonly<Record<string, PluginFunction>>;
    /** Called once when the engine asks for an orderly stop. */
    readonly onCancel: () => void;
}

export class ProviderServer {
    private engine: EngineClient | undefined;
    private readonly server = new grpc.Server({
        "grpc.max_receive_message_length": -1,
        "grpc.max_send_message_length": -1,
    });

    public constructor(private readonly options: ServerOptions) {
        this.server.addService(ResourceProviderService, this.handlers());
    }

    /** @returns the port on the loopback address */
    public listen(): Promise<number> {
        return new Promise((resolve, reject) => {
            this.server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) =>
                error === null ? resolve(port) : reject(error),
            );
        });
    }

    public connectEngine(address: string): void {
        this.engine = new EngineClient(address, grpc.credentials.createInsecure());
    }

    private context(request: Named, outputs?: Struct): Context {
        const urn = request.getUrn();
        return {
            urn,
            name: urn.slice(urn.lastIndexOf("::") + 2),
            ...(outputs === undefined ? {} : { outputs: wire(outputs).value }),
            log: (severity, message) => {
                const entry = new LogRequest();
                entry.setSeverity(SEVERITY[severity]);
                entry.setMessage(message);
                entry.setUrn(urn);
                // A log line that is lost must not fail the step.
                this.engine?.log(entry, () => undefined);
            },
        };
    }

    private typeOf(request: Named): ResourceType {
        const token = request.getUrn().split("::")[2]?.split("$").pop() ?? "";
        const type = token.startsWith(PREFIX) ? this.options.types[token.slice(PREFIX.length)] : undefined;
        if (type === undefined) {
            throw new UserError(`the mesos plugin has no resource type ${token}`);
        }
        return type;
    }

    private handlers(): grpc.UntypedServiceImplementation {
        return {
            handshake: handler((request: rpc.ProviderHandshakeRequest) => {
                this.connectEngine(request.getEngineAddress());
                const response = new rpc.ProviderHandshakeResponse();
                response.setAcceptSecrets(true);
                return response;
            }),
            getPluginInfo: handler(() => {
                const info = new PluginInfo();
                info.setVersion(this.options.version);
                return info;
            }),
            attach: handler((request: { getAddress(): string }) => {
                this.connectEngine(request.getAddress());
                return new Empty();
            }),
            getSchema: handler(() => {
                const response = new rpc.GetSchemaResponse();
                response.setSchema(JSON.stringify({ name: "mesos", version: this.options.version }));
                return response;
            }),
            checkConfig: handler((request: rpc.CheckRequest) => {
                const response = new rpc.CheckResponse();
                response.setInputs(request.getNews());
                return response;
            }),
            diffConfig: handler((request: rpc.DiffRequest) => {
                const response = new rpc.DiffResponse();
                const { DIFF_NONE, DIFF_SOME } = rpc.DiffResponse.DiffChanges;
                const before = wire(request.hasOldInputs() ? request.getOldInputs() : request.getOlds()).value;
                // Called the same, the engine would go on with the configuration of the last run.
                const isSame = differences(before, wire(request.getNews()).value).length === 0;
                response.setChanges(isSame ? DIFF_NONE : DIFF_SOME);
                return response;
            }),
            configure: handler((request: rpc.ConfigureRequest) => {
                this.options.onConfigure?.(decode(request.getArgs()?.toJavaScript()).value);
                const response = new rpc.ConfigureResponse();
                response.setAcceptsecrets(true);
                response.setSupportspreview(true);
                return response;
            }),
            cancel: handler(() => {
                this.options.onCancel();
                return new Empty();
            }),
            check: handler((request: rpc.CheckRequest) => this.check(request)),
            diff: handler((request: rpc.DiffRequest) => this.diff(request)),
            create: handler((request: rpc.CreateRequest) => this.create(request)),
            read: handler((request: rpc.ReadRequest) => this.read(request)),
            update: handler((request: rpc.UpdateRequest) => this.update(request)),
            delete: handler((request: rpc.DeleteRequest) => this.delete(request)),
            invoke: handler((request: rpc.InvokeRequest) => this.invoke(request)),
        };
    }

    private async invoke(request: rpc.InvokeRequest): Promise<rpc.InvokeResponse> {
        const token = request.getTok();
        const serve = token.startsWith(PREFIX) ? this.options.functions[token.slice(PREFIX.length)] : undefined;
        if (serve === undefined) {
            throw new UserError(`the mesos plugin has no function ${token}`);
        }
        const response = new rpc.InvokeResponse();
        response.setReturn(struct(await serve(wire(request.getArgs()).value), []));
        return response;
    }

    private async check(request: rpc.CheckRequest): Promise<rpc.CheckResponse> {
        const news = wire(request.getNews());
        const olds = request.hasOlds() ? wire(request.getOlds()).value : {};
        const previous = Object.keys(olds).length > 0 ? olds : undefined;
        const checked = await this.typeOf(request).check(news.value, previous, this.context(request));
        const { failures, inputs = news.value } = Array.isArray(checked) ? { failures: checked } : checked;
        const response = new rpc.CheckResponse();
        const moved = inputs === news.value ? [] : whereSecretsAre(inputs, news);
        response.setInputs(struct(inputs, [...news.secrets, ...moved]));
        response.setFailuresList(
            failures.map(({ property, reason }) => {
                const failure = new rpc.CheckFailure();
                failure.setProperty(property);
                failure.setReason(reason);
                return failure;
            }),
        );
        return response;
    }

    private diff(request: rpc.DiffRequest): rpc.DiffResponse {
        const before = wire(request.getOldInputs()).value;
        const after = wire(request.getNews()).value;
        const {
            changes,
            replaces = [],
            deleteBeforeReplace = false,
        } = this.typeOf(request).diff(before, after, this.context(request, request.getOlds()));
        const response = new rpc.DiffResponse();
        const { DiffChanges } = rpc.DiffResponse;
        response.setChanges(changes.length > 0 ? DiffChanges.DIFF_SOME : DiffChanges.DIFF_NONE);
        response.setDeletebeforereplace(deleteBeforeReplace);
        response.setHasdetaileddiff(true);
        response.setDiffsList([...new Set(changes.map(({ path }) => String(path[0])))]);
        response.setReplacesList(replaces.map(formatPath));
        const { Kind } = rpc.PropertyDiff;
        const kinds = { add: Kind.ADD, delete: Kind.DELETE, update: Kind.UPDATE };
        const replacing = { add: Kind.ADD_REPLACE, delete: Kind.DELETE_REPLACE, update: Kind.UPDATE_REPLACE };
        for (const { path, kind } of changes) {
            const detail = new rpc.PropertyDiff();
            const replace = replaces.some((other) => formatPath(other) === formatPath(path));
            detail.setKind(replace ? replacing[kind] : kinds[kind]);
            // What only the outputs tell, as a certificate that ends, is no input's doing.
            detail.setInputdiff(String(path[0]) in before || String(path[0]) in after);
            response.getDetaileddiffMap().set(formatPath(path), detail);
        }
        return response;
    }

    private async create(request: rpc.CreateRequest): Promise<rpc.CreateResponse> {
        const inputs = wire(request.getProperties());
        const state = await this.typeOf(request).create(inputs.value, request.getPreview(), this.context(request));
        const response = new rpc.CreateResponse();
        response.setId(state.id);
        response.setProperties(outputs(state, inputs));
        return response;
    }

    private async read(request: rpc.ReadRequest): Promise<rpc.ReadResponse> {
        const inputs = wire(request.getInputs());
        const properties = wire(request.getProperties());
        const context = this.context(request);
        const id = request.getId();
        const state = await this.typeOf(request)
            .read(id, inputs.value, properties.value, context)
            .catch((error: unknown): State => {
                // A preview in a pipeline may have no way to some hosts; an import reads what is not remembered.
                const isKept = error instanceof UnreachableError || process.env[KEEP_UNREACHABLE] === "keep";
                if (!isKept || Object.keys(inputs.value).length === 0) throw error;
                const [reason = ""] = (error as Error).message.split("\n");
                context.log("warning", `kept as it was remembered: ${reason}`);
                return { id, outputs: properties.value, inputs: inputs.value };
            });
        const response = new rpc.ReadResponse();
        // An empty id tells the engine that the real thing is gone.
        response.setId(state?.id ?? "");
        if (state !== undefined) {
            response.setProperties(
                outputs(state, { ...properties, secrets: [...properties.secrets, ...inputs.secrets] }),
            );
            const moved = state.inputs === undefined ? [] : whereSecretsAre(state.inputs, inputs);
            const own = state.secretInputs ?? [];
            response.setInputs(struct(state.inputs ?? inputs.value, [...inputs.secrets, ...moved, ...own]));
        }
        return response;
    }

    private async update(request: rpc.UpdateRequest): Promise<rpc.UpdateResponse> {
        const after = wire(request.getNews());
        const state = await this.typeOf(request).update(
            request.getId(),
            wire(request.getOldInputs()).value,
            after.value,
            request.getPreview(),
            this.context(request, request.getOlds()),
        );
        const response = new rpc.UpdateResponse();
        response.setProperties(outputs(state, after));
        return response;
    }

    private async delete(request: rpc.DeleteRequest): Promise<Empty> {
        const inputs = wire(request.getOldInputs()).value;
        const properties = wire(request.getProperties()).value;
        await this.typeOf(request).delete(request.getId(), inputs, properties, this.context(request));
        return new Empty();
    }
}

/** Outputs stay secret where the input of the same path was. */
function outputs(state: State, inputs: Wire): Struct {
    return struct(state.outputs, [...inputs.secrets, ...(state.secretOutputs ?? [])]);
}
