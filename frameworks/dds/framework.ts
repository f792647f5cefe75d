/** The framework at work: what the {@link Book} says is done; what Mesos, commanders and those who submit say is noted. */
import type { TaskInfo } from "../scheduler";
import { type FrameworkParts, TaskFramework } from "../service/framework";
import type { Placed } from "../service/placing";
import { askAgents, makeHome } from "./agents";
import { Book } from "./book";
import type { Config } from "./config";
import type { Missing } from "./placing";
import { type Report, sessionReport } from "./report";
import { type Agent, taskId } from "./sessions";
import { nameOf, type Shelves, Sources } from "./sources";
import { taskOf } from "./task";
import { probe } from "./wire";

const PROBE_MS = 5000;

export interface Parts extends FrameworkParts {
    readonly config: Config;
    /** `host:port` that agents reach this instance at. */
    readonly address: string;
    /** What outlives it: the key of packages, what is known of sessions, submissions and their packages. */
    readonly shelves: Shelves;
}

export class DdsFramework extends TaskFramework<Agent, Missing, Book> {
    public readonly sources: Sources;
    private readonly counting = new Set<string>();
    private told = "";

    public constructor(private readonly parts: Parts) {
        const { config, shelves } = parts;
        super(parts, new Book(config), { roles: [config.role], tasks: "agents", tellsEveryEnd: true });
        this.sources = new Sources(config, shelves, this.book);
    }

    protected override async prepare(): Promise<void> {
        await this.sources.remember();
        await this.sources.look();
    }

    protected async look(): Promise<void> {
        await this.sources.look();
        await Promise.all([...this.book.sessions.keys()].map((name) => this.ask(name)));
    }

    private async ask(name: string): Promise<void> {
        const found = this.sources.readies.get(name);
        if (found === undefined) {
            return;
        }
        const host = this.sources.commanderOf(name);
        const answer = await probe(host, found.session.uiPort, found.session.id, PROBE_MS);
        this.book.asked(name, answer, Date.now());
        // A tool that takes long must not hold up the rest, and there is one at a time.
        if (answer.kind !== "answers" || this.counting.has(name)) {
            return;
        }
        this.counting.add(name);
        const { tools } = this.parts.config;
        const home = tools.home ?? makeHome(this.sources.home(name), found.session, host);
        void askAgents(found.session, home, tools)
            .catch((error: unknown) => error as Error)
            .then((result) => {
                this.counting.delete(name);
                if (this.sources.readies.get(name) === found) {
                    this.book.counted(name, result, Date.now());
                }
            });
    }

    protected overdue(nowMs: number): readonly Agent[] {
        return this.book.kills(nowMs).map(({ agent, reason }) => {
            this.parts.log(`ends ${agent.id}: ${reason}`);
            return agent;
        });
    }

    protected override async housekeep(): Promise<void> {
        await super.housekeep();
        for (const name of [...this.book.changed]) {
            this.book.changed.delete(name);
            const session = this.book.sessions.get(name);
            if (session !== undefined) {
                await this.parts.shelves.sessions.put(name, JSON.stringify(session.kept));
            }
        }
        await this.sources.forgetOld(Date.now());
    }

    protected idFor({ session, generation }: Missing, unique: string): string {
        return taskId(session, generation, unique);
    }

    protected taskOf(id: string, { of: { session, spec }, resources }: Placed<Missing>, agentId: string): TaskInfo {
        const { config, address } = this.parts;
        const { key, readies } = this.sources;
        const digest = readies.get(session)?.digest ?? "";
        return taskOf({ id, session, spec, agentId, resources }, config.user, { digest, address, key });
    }

    /** @throws with every fault. @returns the submission's number */
    public async submit(body: string): Promise<number> {
        const id = await this.sources.submit(body);
        this.parts.log(`submission ${id} is taken`);
        await this.ask(nameOf(id));
        this.settle();
        return id;
    }

    /** Ends a submission and its agents. @returns whether there was one */
    public async withdraw(id: number): Promise<boolean> {
        const there = await this.sources.withdraw(id);
        if (there) {
            this.parts.log(`submission ${id} is withdrawn`);
            await this.housekeep();
        }
        return there;
    }

    /** One line when the picture has changed. */
    protected tell(): void {
        for (const { name, agents, state } of this.report({ leader: undefined, version: "" }).sessions ?? []) {
            const line = `${name}: ${agents.wanted} agents wanted, ${agents.running} run, ${agents.joined} joined; ${state}`;
            if (!this.told.includes(`${line}\n`)) {
                this.told = `${this.told
                    .split("\n")
                    .filter((one) => one !== "" && !one.startsWith(`${name}: `))
                    .join("\n")}\n${line}\n`;
                this.parts.log(line);
            }
        }
    }

    public report({ leader, version }: { leader: string | undefined; version: string }): Report {
        const { book } = this;
        const now = Date.now();
        const sessions = [...book.sessions.values()].map((session) => {
            const found = this.sources.readies.get(session.name);
            const commander = found && `${this.sources.commanderOf(session.name)}:${found.session.uiPort}`;
            return sessionReport(book, session, { commander, trouble: this.sources.troubles.get(session.name) }, now);
        });
        const troubles = sessions.flatMap(([{ name, state }, isTrouble]) => (isTrouble ? [`${name}: ${state}`] : []));
        return {
            ...this.standing(leader, version, troubles),
            sessions: sessions.map(([session]) => session),
            counters: book.counters,
        };
    }
}
