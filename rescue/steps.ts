/** What whoever waits for a rescue sees: one line a step, and how long each took. */

const clock = (): string => new Date().toTimeString().slice(0, 8);

export class Steps {
    private readonly taken: { readonly what: string; readonly ms: number }[] = [];
    private readonly began = Date.now();

    public constructor(private readonly write: (line: string) => void = (line) => process.stderr.write(`${line}\n`)) {}

    public say(line: string): void {
        this.write(`${clock()}  ${line}`);
    }

    /** @param work its own word on how it went, or nothing */
    public async step<T>(what: string, work: () => Promise<T>, told: (value: T) => string = () => ""): Promise<T> {
        const began = Date.now();
        const value = await work();
        const ms = Date.now() - began;
        this.taken.push({ what, ms });
        const more = told(value);
        this.say(`${what}: ${more === "" ? "" : `${more}, `}${seconds(ms)}`);
        return value;
    }

    /** How long each step took: what a recovery of this site costs in time. */
    public table(): string {
        const rows = [...this.taken, { what: "altogether", ms: Date.now() - this.began }];
        const width = Math.max(...rows.map(({ what }) => what.length));
        return rows.map(({ what, ms }) => `${what.padEnd(width)}  ${seconds(ms).padStart(8)}`).join("\n");
    }
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
