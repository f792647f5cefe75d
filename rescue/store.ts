/** Where backups are kept: a folder, or one on another machine by SSH. A backup appears there whole or not at all. */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { BackupError } from "./manifest";
import { run } from "./processes";

export interface Store {
    /** For people. */
    readonly where: string;
    /** Names of folders. */
    list(): Promise<string[]>;
    /** @throws BackupError when there is no such file */
    read(folder: string, file: string): Promise<Buffer>;
    publish(folder: string, files: Readonly<Record<string, Buffer>>): Promise<void>;
    remove(folder: string): Promise<void>;
}

export class FolderStore implements Store {
    public constructor(public readonly where: string) {}

    public list(): Promise<string[]> {
        return Promise.resolve(existsSync(this.where) ? readdirSync(this.where) : []);
    }

    public read(folder: string, file: string): Promise<Buffer> {
        const path = join(this.where, folder, file);
        if (!existsSync(path)) return Promise.reject(new BackupError(`there is no ${path}`));
        return Promise.resolve(readFileSync(path));
    }

    public publish(folder: string, files: Readonly<Record<string, Buffer>>): Promise<void> {
        const fresh = join(this.where, `.${folder}.new`);
        rmSync(fresh, { recursive: true, force: true });
        mkdirSync(fresh, { recursive: true, mode: 0o700 });
        for (const [name, content] of Object.entries(files)) {
            writeFileSync(join(fresh, name), content, { mode: 0o600, flush: true });
        }
        renameSync(fresh, join(this.where, folder));
        return Promise.resolve();
    }

    public remove(folder: string): Promise<void> {
        rmSync(join(this.where, folder), { recursive: true, force: true });
        return Promise.resolve();
    }
}

const SSH_SEC = 1800;

/** With the administrator's own keys and known hosts: `ssh` must work without a question. */
export class SshStore implements Store {
    private readonly target: readonly string[];
    private readonly dir: string;

    public constructor(public readonly where: string) {
        const { username, hostname, port, pathname } = new URL(where);
        this.dir = pathname.replace(/\/$/, "");
        this.target = [
            ...["-o", "BatchMode=yes", "-o", "ConnectTimeout=10"],
            ...(port === "" ? [] : ["-p", port]),
            username === "" ? hostname : `${username}@${hostname}`,
        ];
    }

    private async ssh(command: string, input?: Buffer): Promise<Buffer> {
        const options = { timeoutSec: SSH_SEC, ...(input !== undefined && { input }) };
        const { code, stdout, stderr } = await run("ssh", [...this.target, command], options);
        if (code !== 0)
            throw new BackupError(`${this.where}: ${stderr.trim().split("\n").at(-1) ?? `exit status ${code}`}`);
        return stdout;
    }

    public async list(): Promise<string[]> {
        const text = await this.ssh(`test -d '${this.dir}' && ls -1 '${this.dir}' || true`);
        return text.toString().split("\n").filter(Boolean);
    }

    public read(folder: string, file: string): Promise<Buffer> {
        return this.ssh(`cat '${this.dir}/${basename(folder)}/${basename(file)}'`);
    }

    public async publish(folder: string, files: Readonly<Record<string, Buffer>>): Promise<void> {
        const fresh = `${this.dir}/.${folder}.new`;
        await this.ssh(`umask 077 && rm -rf '${fresh}' && mkdir -p '${fresh}'`);
        for (const [name, content] of Object.entries(files)) {
            await this.ssh(`umask 077 && cat >'${fresh}/${name}'`, content);
        }
        await this.ssh(`sync; mv '${fresh}' '${this.dir}/${folder}'`);
    }

    public async remove(folder: string): Promise<void> {
        await this.ssh(`rm -rf '${this.dir}/${basename(folder)}'`);
    }
}
