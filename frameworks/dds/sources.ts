/** Where sessions come from: those that are declared, and those that are submitted. Their packages, and what is kept of them. */
import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, rmSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import type { Shelf } from "../service/shelf";
import type { Book } from "./book";
import type { Config, SessionSpec } from "./config";
import { Packages, type Ready, ready, troubleWith } from "./packages";
import type { Kept } from "./sessions";
import { parseSubmission } from "./submissions";

/** A submission whose session is over is forgotten after so long. */
const FORGET_MS = 600_000;

/** What outlives a process: the key of packages, what is known of sessions, submissions and their packages. */
export type Shelves = Readonly<Record<"state" | "sessions" | "submissions" | "packages", Shelf>>;

interface Submitted {
    readonly id: number;
    readonly submission: string;
    readonly spec: SessionSpec;
    overSince?: number;
}

/** Of the session that a submission is. */
export const nameOf = (id: number | string): string => `r-${id}`;

export class Sources {
    /** By session. */
    public readonly readies = new Map<string, Ready>();
    /** Why a package cannot be used. */
    public readonly troubles = new Map<string, string>();
    public key = "";
    private readonly packages = new Packages();
    private readonly submitted = new Map<string, Submitted>();
    private readonly homes: string;
    private nextId = 1;
    /** Submissions are taken one after the other. */
    private line: Promise<unknown> = Promise.resolve();

    public constructor(
        private readonly config: Config,
        private readonly shelves: Shelves,
        private readonly book: Book,
    ) {
        this.homes = join(config.stateDir, "homes");
    }

    /** For DDS' tools. */
    public home(name: string): string {
        return join(this.homes, name);
    }

    public commanderOf(name: string): string {
        return this.book.sessions.get(name)?.spec.commander ?? this.readies.get(name)?.session.host ?? "";
    }

    /** Reads packages that are others than before. */
    public async look(): Promise<void> {
        await Promise.all(Object.keys(this.config.sessions).map((name) => this.lookAt(name)));
    }

    /** What an earlier process, perhaps on another host, has left. */
    public async remember(): Promise<void> {
        rmSync(this.homes, { recursive: true, force: true });
        mkdirSync(this.homes, { recursive: true, mode: 0o700 });
        const { state, submissions, packages } = this.shelves;
        const key = await state.get("package-key");
        this.key = key?.toString() ?? randomBytes(24).toString("hex");
        if (key === undefined) {
            await state.put("package-key", this.key);
        }
        for (const name of await submissions.names()) {
            const text = await submissions.get(name);
            const data = await packages.get(name);
            if (text === undefined || data === undefined) {
                // It was being written: who submits has had no answer, and does so again.
                await this.drop(name);
                continue;
            }
            const known = JSON.parse(text.toString()) as Submitted;
            this.submitted.set(name, known);
            this.nextId = Math.max(this.nextId, known.id + 1);
            await this.take(name, known.spec, ready(data, known.spec));
        }
        const next = Number((await state.get("next-id"))?.toString() ?? 1);
        this.nextId = Math.max(this.nextId, next);
    }

    /** Reads a declared session's package, if it is another one than before. */
    private async lookAt(name: string): Promise<void> {
        const declared = this.config.sessions[name];
        if (declared === undefined) {
            return;
        }
        const { package: place, ...spec } = declared;
        try {
            const found = await this.packages.look(name, place, spec, Date.now());
            this.troubles.delete(name);
            if (this.readies.get(name) !== found || !this.book.sessions.has(name)) {
                await this.take(name, spec, found);
            }
        } catch (error) {
            this.troubles.set(name, troubleWith(place, error as NodeJS.ErrnoException, userInfo().username));
            if (!this.book.sessions.has(name)) {
                await this.take(name, spec, undefined);
            }
        }
    }

    private async take(name: string, spec: SessionSpec, found: Ready | undefined): Promise<void> {
        const of = createHash("sha256")
            .update(JSON.stringify([found?.generation, spec]))
            .digest("hex");
        const text = this.book.sessions.has(name) ? undefined : await this.shelves.sessions.get(name);
        const kept = text === undefined ? undefined : (JSON.parse(text.toString()) as Kept);
        this.book.declare(name, spec, found?.generation, of, kept);
        if (found !== undefined) {
            this.readies.set(name, found);
            rmSync(this.home(name), { recursive: true, force: true });
        }
    }

    /** Submissions whose sessions have been over for long. */
    public async forgetOld(nowMs: number): Promise<void> {
        for (const [name, one] of this.submitted) {
            const session = this.book.sessions.get(name);
            if (session === undefined || !this.book.isOver(session, nowMs)) {
                delete one.overSince;
                continue;
            }
            one.overSince ??= nowMs;
            if (nowMs - one.overSince > FORGET_MS) {
                await this.drop(name);
            }
        }
    }

    /** @throws with every fault. @returns the submission's number */
    public submit(body: string): Promise<number> {
        const result = this.line.then(() => this.submitNow(body));
        this.line = result.catch(() => undefined);
        return result;
    }

    private async submitNow(body: string): Promise<number> {
        const rules = this.config.submissions;
        if (rules === undefined) {
            throw new Error("this site takes no submissions");
        }
        const { submission, spec, data } = parseSubmission(body, rules);
        const found = ready(data, spec);
        const same = [...this.submitted.values()].find((one) => one.submission === submission);
        if (same !== undefined) {
            return same.id;
        }
        const others = [...this.submitted.values()].reduce((sum, one) => sum + one.spec.agents, 0);
        if (others + spec.agents > rules.agents) {
            throw new Error(
                `${spec.agents} agents are too many: all submissions together may have ${rules.agents}, and ${others} are taken`,
            );
        }
        const id = this.nextId;
        const name = nameOf(id);
        const { state, submissions, packages } = this.shelves;
        this.nextId += 1;
        await state.put("next-id", String(this.nextId));
        await packages.put(name, data);
        const one: Submitted = { id, submission, spec };
        await submissions.put(name, JSON.stringify(one));
        this.submitted.set(name, one);
        await this.take(name, spec, found);
        return id;
    }

    /** Ends a submission and its agents. @returns whether there was one */
    public async withdraw(id: number): Promise<boolean> {
        const name = nameOf(id);
        if (!this.submitted.has(name)) {
            return false;
        }
        await this.drop(name);
        return true;
    }

    private async drop(name: string): Promise<void> {
        const { submissions, packages, sessions } = this.shelves;
        this.submitted.delete(name);
        this.readies.delete(name);
        this.book.forget(name);
        rmSync(this.home(name), { recursive: true, force: true });
        await submissions.remove(name);
        await packages.remove(name);
        await sessions.remove(name);
    }

    public get submissions(): number {
        return this.submitted.size;
    }

    /** Whether who asks may have packages: tasks are told the key. */
    public isKey(key: string | undefined): boolean {
        return key !== undefined && this.key !== "" && key === this.key;
    }

    /** @param id of a session, or the number of a submission */
    public package(id: string): Buffer | undefined {
        return (this.readies.get(id) ?? this.readies.get(nameOf(id)))?.data;
    }
}
