/** Looks at catalogs and managers, again and again. */
import type { Backlog } from "./demand";
import { askCatalog, askManager, ManagerSilent } from "./managers";
import {
    groupsOfQueue,
    groupsOfTasks,
    type Manager,
    managersOf,
    type Queue,
    queueOfAnswer,
    type TaskGroup,
} from "./records";

const TIMEOUT_MS = 2000;
/** Managers asked at the same time. */
const AT_ONCE = 50;
/** Between two lists of one manager's tasks, and as many times as long as the last one took it. */
const LIST_EVERY_MS = 2000;
const LIST_SHARE = 20;

export interface WatchOptions {
    readonly catalogs: readonly string[];
    readonly projects: RegExp;
    readonly staleSec: number;
    readonly password?: string;
}

export interface CatalogState {
    readonly address: string;
    /** Milliseconds since 1970 of its last answer. */
    answeredMs?: number;
    error?: string;
}

export interface ManagerState {
    readonly project: string;
    readonly address: string;
    readonly waiting: number;
    readonly onWorkers: number;
    readonly workersConnected: number;
    /** Why it could not be asked; what is known of it then is what the catalog says, up to a minute old. */
    readonly error?: string;
}

interface Listed {
    readonly groups: readonly TaskGroup[];
    readonly nextMs: number;
}

type Asked = { readonly backlog?: Backlog; readonly state?: ManagerState };

export class Watch {
    public readonly catalogs: CatalogState[];
    public managers: readonly ManagerState[] = [];
    /** From the catalogs, by address. When none answers, what was known stays. */
    private known: readonly Manager[] = [];
    private readonly lists = new Map<string, Listed>();

    public constructor(private readonly options: WatchOptions) {
        this.catalogs = options.catalogs.map((address) => ({ address }));
    }

    /** The backlogs as they are now. */
    public async look(): Promise<Backlog[]> {
        await this.lookAtCatalogs();
        const fresh = this.known.filter(({ heardSec }) => Date.now() / 1000 - heardSec < this.options.staleSec);
        const asked: Asked[] = [];
        for (let at = 0; at < fresh.length; at += AT_ONCE) {
            asked.push(...(await Promise.all(fresh.slice(at, at + AT_ONCE).map((manager) => this.ask(manager)))));
        }
        const addresses = new Set(fresh.map(({ address }) => address));
        [...this.lists.keys()].filter((key) => !addresses.has(key)).forEach((key) => this.lists.delete(key));
        this.managers = asked.flatMap(({ state }) => state ?? []);
        return asked.flatMap(({ backlog }) => backlog ?? []);
    }

    private async lookAtCatalogs(): Promise<void> {
        const answers = await Promise.all(
            this.catalogs.map(async (catalog) => {
                try {
                    const managers = managersOf(await askCatalog(catalog.address, TIMEOUT_MS), this.options.projects);
                    catalog.answeredMs = Date.now();
                    delete catalog.error;
                    return managers;
                } catch (error) {
                    catalog.error = error instanceof Error ? error.message : String(error);
                    return undefined;
                }
            }),
        );
        if (answers.every((answer) => answer === undefined)) {
            return;
        }
        const merged = new Map<string, Manager>();
        for (const manager of answers.flatMap((answer) => answer ?? [])) {
            const other = merged.get(manager.address);
            if (other === undefined || other.heardSec < manager.heardSec) {
                merged.set(manager.address, manager);
            }
        }
        this.known = [...merged.values()];
    }

    /** A manager tells the catalog of itself once a minute: too late. So it is asked itself. */
    private async ask({ project, address, queue: reported }: Manager): Promise<Asked> {
        const { password } = this.options;
        const with_ = { timeoutMs: TIMEOUT_MS, password };
        const state = (queue: Queue, error?: string): ManagerState => ({
            project,
            address,
            waiting: queue.waiting,
            onWorkers: queue.onWorkers,
            workersConnected: queue.workersConnected,
            ...(error !== undefined && { error }),
        });
        try {
            const queue = queueOfAnswer(await askManager(address, "queue_status", with_)) ?? reported;
            const { groups, exact } = groupsOfQueue(queue);
            const known = exact ? groups : await this.list(address, groups);
            return { backlog: { project, queue, groups: known }, state: state(queue) };
        } catch (error) {
            const message = error instanceof Error ? error.message : String(error);
            const kind = error instanceof ManagerSilent ? error.kind : "silent";
            if (kind === "silent") {
                const { groups } = groupsOfQueue(reported);
                return { backlog: { project, queue: reported, groups }, state: state(reported, message) };
            }
            if (kind === "gone") {
                // It has ended; the catalog forgets it later. That is no trouble.
                return {};
            }
            const nothing = { ...reported, waiting: 0, onWorkers: 0, workersConnected: 0 };
            return { state: state(nothing, message) };
        }
    }

    /** The tasks one by one, where their sums do not tell their sizes; seldom, for it is the manager's time. */
    private async list(address: string, otherwise: readonly TaskGroup[]): Promise<readonly TaskGroup[]> {
        const last = this.lists.get(address);
        if (last !== undefined && last.nextMs > Date.now()) {
            return last.groups;
        }
        const began = Date.now();
        try {
            const { password } = this.options;
            const answer = await askManager(address, "task_status", { timeoutMs: 10 * TIMEOUT_MS, password });
            const took = Date.now() - began;
            const groups = groupsOfTasks(answer);
            this.lists.set(address, { groups, nextMs: Date.now() + Math.max(LIST_EVERY_MS, LIST_SHARE * took) });
            return groups;
        } catch {
            return last?.groups ?? otherwise;
        }
    }
}
