/** A Work Queue catalog and its managers over real HTTP and TCP, as far as a framework sees them. */
import { createHash } from "node:crypto";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";

type Closable = Pick<Server, "close" | "address">;

const listen = (server: Server): Promise<void> => new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const portOf = (server: Closable): number => (server.address() as AddressInfo).port;

export class FakeCatalog {
    public records: unknown = [];
    /** Status that it answers with. */
    public status = 200;
    private readonly server = createServer((socket) => {
        socket.on("error", () => undefined);
        socket.once("data", () =>
            // As the real one: lines end with a line feed alone, and then it hangs up.
            socket.end(
                `HTTP/1.1 ${this.status} OK\nDate: Thu Nov 26 10:22:35 2026\nServer: catalog_server\n` +
                    `Connection: close\nContent-type: text/plain\n\n${JSON.stringify(this.records)}\n`,
            ),
        );
    });

    public static async start(): Promise<FakeCatalog> {
        const catalog = new FakeCatalog();
        await listen(catalog.server);
        return catalog;
    }

    public get address(): string {
        return `127.0.0.1:${portOf(this.server)}`;
    }

    public async stop(): Promise<void> {
        await new Promise((resolve) => this.server.close(resolve));
    }
}

/** Answers as a manager does: hangs up after each answer, and on whoever does not know its password. */
export class FakeManager {
    public queue: unknown = [];
    public tasks: unknown = [];
    public readonly questions: string[] = [];
    /** Takes connections and says nothing. */
    public mute = false;
    private readonly sockets = new Set<Socket>();
    private readonly server = createServer((socket) => this.talk(socket));

    private constructor(private readonly password?: string) {}

    public static async start(password?: string): Promise<FakeManager> {
        const manager = new FakeManager(password);
        await listen(manager.server);
        return manager;
    }

    public get port(): number {
        return portOf(this.server);
    }

    public get address(): string {
        return `127.0.0.1:${this.port}`;
    }

    private talk(socket: Socket): void {
        this.sockets.add(socket);
        socket.on("close", () => this.sockets.delete(socket)).on("error", () => undefined);
        if (this.mute) {
            return;
        }
        let text = "";
        const steps = this.password === undefined ? [] : this.greeting(socket, this.password);
        socket.on("data", (data) => {
            text += data.toString("latin1");
            for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
                const line = text.slice(0, end);
                text = text.slice(end + 1);
                const step = steps.shift();
                if (step !== undefined) {
                    step(line);
                } else {
                    this.answer(socket, line);
                }
            }
        });
    }

    private greeting(socket: Socket, password: string): ((line: string) => void)[] {
        const own = "0123456789abcdef";
        const proof = (challenge: string): string =>
            createHash("sha1").update(`${password} ${challenge}`).digest("hex");
        return [
            (line) => {
                if (line !== "auth password sha1") socket.end();
                else socket.write(`${line}\n${own}\n`);
            },
            (line) => socket.write(`${proof(line)}\n`),
            (line) => {
                if (line !== proof(own)) socket.end();
                else socket.write("ok\n");
            },
            (line) => {
                if (line !== "ok") socket.end();
            },
        ];
    }

    private answer(socket: Socket, question: string): void {
        this.questions.push(question);
        socket.end(JSON.stringify(question === "queue_status" ? this.queue : this.tasks));
    }

    public async stop(): Promise<void> {
        this.sockets.forEach((socket) => socket.destroy());
        await new Promise((resolve) => this.server.close(resolve));
    }
}
