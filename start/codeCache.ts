/** Loads a bundle with V8's code cache: compiling is most of what starting a Node.js process with a large library costs. */
import { readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import Module, { createRequire } from "node:module";
import { dirname } from "node:path";
import vm from "node:vm";

const loaded = new Map<string, { exports: unknown }>();

/**
 * `require(file)` for a bundle that was built as one CommonJS file: run once, whoever asks.
 *
 * The cache lies beside the bundle and is written when the process ends, so that it holds what was really run. V8 refuses
 * the cache of another Node.js version; it does not see that a source of the same length has changed, so the time of the
 * file is part of the cache's name. A cache that cannot be read or written costs time and nothing else.
 */
export function requireCached(file: string): unknown {
    const present = loaded.get(file);
    if (present !== undefined) {
        return present.exports;
    }
    const cacheFile = `${file}.${Math.trunc(statSync(file).mtimeMs).toString(36)}.cache`;
    const cachedData = read(cacheFile);
    const script = new vm.Script(Module.wrap(readFileSync(file, "utf8")), {
        filename: file,
        ...(cachedData !== undefined && { cachedData }),
        importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    });
    if (cachedData === undefined || script.cachedDataRejected === true) {
        process.once("exit", () => write(cacheFile, script));
    }
    const module = { exports: {} as unknown };
    loaded.set(file, module);
    const run = script.runInThisContext() as (...names: unknown[]) => void;
    run.call(module.exports, module.exports, createRequire(file), module, file, dirname(file));
    return module.exports;
}

function read(file: string): Buffer | undefined {
    try {
        return readFileSync(file);
    } catch {
        return undefined;
    }
}

function write(file: string, script: vm.Script): void {
    const draft = `${file}.${process.pid}`;
    try {
        // Several processes may end at once: each renames a whole file into place.
        writeFileSync(draft, script.createCachedData());
        renameSync(draft, file);
    } catch {
        // A checkout that cannot be written to works too.
    }
}
