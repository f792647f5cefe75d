/**
 * Loaded before everything else in the program's process (`nodeargs` in Pulumi.yaml; built to bin/start.js).
 *
 * The engine's language host starts node_modules/@pulumi/pulumi/cmd/run, some 780 files with the TypeScript compiler and npm's
 * tree reader among them. Here the same files, of the same version, come from one bundle with V8's code cache: a tenth of
 * the time. A program or a process that asks for anything else gets it from node_modules as always.
 */
import Module from "node:module";
import { join } from "node:path";
import { requireCached } from "./codeCache";
import { quiet } from "./quiet";
import type * as Sdk from "./sdk";

type Load = (request: string, parent: unknown, isMain: boolean) => unknown;

const SDK = "@pulumi/pulumi";
const RUNNER = join("node_modules", SDK, "cmd", "run", "index.js");
const program = join(__dirname, "index.js");
// Needed by functions that are sent elsewhere as text (dynamic providers), which this project has none of.
const LAZY: ReadonlySet<string> = new Set(["typescript", "@npmcli/arborist"]);

const loader = Module as unknown as { _load: Load };
const loadFromDisk = loader._load.bind(loader);

const sdkFile = join(__dirname, "sdk.js");
const sdk = (): typeof Sdk => requireCached(sdkFile) as typeof Sdk;

/** A part of the SDK by its path. Two copies of it in one process would each know half of what is going on. */
function part(path: string): unknown {
    const load = Object.hasOwn(sdk().parts, path) ? sdk().parts[path] : undefined;
    if (load === undefined) {
        throw new Error(`${SDK}/${path} is not in the bundle: add it to start/sdk.ts`);
    }
    return load();
}

loader._load = (request, parent, isMain) => {
    if (request === SDK || request.startsWith(`${SDK}/`)) {
        return part(request.slice(SDK.length + 1));
    }
    if (isMain && request.endsWith(RUNNER)) {
        return part("cmd/run");
    }
    if (request === program) {
        return requireCached(program);
    }
    if (Object.hasOwn(quiet, request) && (parent as { filename?: string } | undefined)?.filename === sdkFile) {
        return quiet[request];
    }
    return LAZY.has(request)
        ? lazily(() => loadFromDisk(request, parent, isMain) as object)
        : loadFromDisk(request, parent, isMain);
};

/** Stands for a module until one of its exports is asked for. */
function lazily(real: () => object): object {
    return new Proxy(
        {},
        {
            // What a compiler's import helpers ask first; "yes" makes them take the module as it is.
            get: (_, key): unknown => (key === "__esModule" ? true : Reflect.get(real(), key)),
            has: (_, key) => Reflect.has(real(), key),
        },
    );
}
