/** Backup and rescue of a site. Exit status 0: all is well; 1: refused or not well, the reason is said; 2: wrong usage. */
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { adopt } from "./adopt";
import { backup, wordsOf } from "./backup";
import { Engine } from "./engine";
import { ago, BackupError, faultsOf, hostParts, named, newest, type Part } from "./manifest";
import { chosen, foldersOf, open, readSealed } from "./open";
import { expectedOf, restore } from "./restore";
import { declaredBackup, readSite, type RescueSite, s3Access } from "./site";
import { Steps } from "./steps";
import { isS3, openStore } from "./openStore";
import type { Store } from "./store";

const usage = `usage: npm run backup  -- -s STACK                    a new backup, checked, where the stack file says
       npm run rescue  -- list -s STACK               what there is
       npm run rescue  -- inspect -s STACK [-i KEY]   is the newest of each part whole, and does it fit? With a key: can it be opened?
       npm run restore -- -s STACK -i KEY [--check]   brings back what is lost; --check only says what would be done
       npm run restore -- -s STACK --survivor HOST    the same, from the data of the one host that is left
       npm run rescue  -- adopt -s STACK              after the loss of Pulumi's state: a new stack for a site that runs

  -i, --identity KEY     file with a private key of age or SSH
  --from PLACE           folder, ssh://user@host/folder or s3://bucket/folder, instead of the stack file's backup.to
  --backup NAME          another one than the newest
  --accept-old           take one that is older than backup.maxAgeHours
  --replace CLUSTER      put data aside that stands in the way (it is kept beside its place)
`;

class UsageError extends Error {}

/** The bundle is bin/rescue.js: the checkout is one up, wherever it is called from. */
const root = resolve(__dirname, "..");

const print = (text: string): boolean => process.stdout.write(`${text}\n`);

function optionsOf(argv: readonly string[]) {
    return parseArgs({
        args: [...argv],
        allowPositionals: true,
        options: {
            stack: { type: "string", short: "s" },
            identity: { type: "string", short: "i" },
            from: { type: "string" },
            backup: { type: "string" },
            survivor: { type: "string" },
            replace: { type: "string" },
            "accept-old": { type: "boolean", default: false },
            check: { type: "boolean", default: false },
            help: { type: "boolean", short: "h", default: false },
        },
    });
}
type Values = ReturnType<typeof optionsOf>["values"];

async function storeOf(site: RescueSite, values: Values, engine: Engine): Promise<Store> {
    const to = values.from ?? declaredBackup(site).to;
    return openStore(to, root, isS3(to) ? await s3Access(site, engine) : undefined);
}

function identityOf({ identity }: Values): string {
    if (identity === undefined) throw new UsageError("say which private key opens the backup: -i KEYFILE");
    return resolve(identity);
}

async function list(site: RescueSite, values: Values, engine: Engine): Promise<void> {
    const store = await storeOf(site, values, engine);
    const names = (await store.list()).filter((name) => named(name) !== undefined).sort();
    print(names.length === 0 ? `${store.where} holds no backup` : names.join("\n"));
}

/** Parts of the site that there is a backup of. Pulumi's state and what hosts keep may be in different places. */
async function keptParts(site: RescueSite, store: Store): Promise<Part[]> {
    const all: Part[] = [...hostParts.filter((part) => site.members[part].length > 0), "pulumi"];
    const names = await store.list();
    const kept = all.filter((part) => newest(names, site.plan.cluster, part) !== undefined);
    if (kept.length === 0) return all;
    for (const part of all.filter((one) => !kept.includes(one))) print(`${store.where} has no ${part} of this site`);
    return kept;
}

async function inspect(site: RescueSite, values: Values, engine: Engine): Promise<boolean> {
    const store = await storeOf(site, values, engine);
    const given = values.backup;
    const wanted =
        given === undefined
            ? await keptParts(site, store)
            : (Object.keys((await readSealed(store, given)).manifest.parts) as Part[]);
    const folders = await chosen(store, site.plan.cluster, given, wanted);
    const expected = expectedOf(site, values["accept-old"]);
    if (values.identity !== undefined) await open(store, folders, identityOf(values), { ...expected, acceptOld: true });
    const faults: string[] = [];
    for (const folder of foldersOf(folders)) {
        const { manifest } = await readSealed(store, folder);
        print(`${store.where}/${folder}: ${ago(new Date(manifest.time), expected.now)} old, checksums are right`);
        const own = wanted.filter((part) => folders.get(part) === folder);
        for (const part of own) {
            const one = manifest.parts[part];
            if (one !== undefined) print(`  ${part.padEnd(9)}  ${wordsOf(one.facts)}`);
        }
        faults.push(...faultsOf(manifest, own, expected).map((fault) => `${folder}: ${fault}`));
    }
    if (values.identity !== undefined) print("opens with the key, and holds what it says");
    for (const fault of faults) print(`NOT FOR THIS SITE: ${fault}`);
    return faults.length === 0;
}

async function bringBack(site: RescueSite, values: Values, engine: Engine): Promise<boolean> {
    const { cluster } = site.plan;
    if (values.replace !== undefined && values.replace !== cluster) {
        throw new UsageError(`--replace repeats the cluster's name, which is ${cluster}`);
    }
    const steps = new Steps();
    const isWell = await restore(site, engine, steps, {
        survivor: values.survivor,
        replace: values.replace === cluster,
        check: values.check,
        open: async (wanted) => {
            const store = await storeOf(site, values, engine);
            const folders = await chosen(store, cluster, values.backup, wanted);
            return open(store, folders, identityOf(values), expectedOf(site, values["accept-old"]));
        },
    });
    print(steps.table());
    return isWell;
}

async function main(argv: readonly string[]): Promise<boolean> {
    const { values, positionals } = optionsOf(argv);
    const [verb, ...rest] = positionals;
    if (values.help) {
        print(usage);
        return true;
    }
    if (verb === undefined || rest.length > 0)
        throw new UsageError("give one of backup, list, inspect, restore, adopt");
    if (!["backup", "list", "inspect", "restore", "adopt"].includes(verb))
        throw new UsageError(`there is no "${verb}"`);
    if (values.stack === undefined) throw new UsageError("say which stack: -s NAME");
    const site = readSite(root, values.stack);
    const engine = new Engine(root, values.stack);
    switch (verb) {
        case "list":
            await list(site, values, engine);
            return true;
        case "inspect":
            return inspect(site, values, engine);
        case "restore":
            return bringBack(site, values, engine);
        case "adopt":
            await adopt(site, engine, new Steps());
            return true;
        default: {
            const steps = new Steps();
            print(await backup(site, await storeOf(site, values, engine), engine, steps));
            return true;
        }
    }
}

main(process.argv.slice(2)).then(
    (isWell) => (process.exitCode = isWell ? 0 : 1),
    (error: unknown) => {
        const wrongUsage = error instanceof UsageError || (error instanceof TypeError && "code" in error);
        const message = error instanceof BackupError || wrongUsage ? error.message : String((error as Error).stack);
        process.stderr.write(wrongUsage ? `${message}\n\n${usage}` : `${message}\n`);
        process.exitCode = wrongUsage ? 2 : 1;
    },
);
