/** The fake Marathon and Metronome as a process of their own: prints their addresses as JSON and serves until it is ended. */
import { FakeMarathon } from "./marathon";
import { FakeMetronome } from "./metronome";

async function main(): Promise<void> {
    const [marathon, metronome] = [new FakeMarathon(), new FakeMetronome()];
    const addresses = { marathon: await marathon.start(), metronome: await metronome.start() };
    process.stdout.write(`${JSON.stringify(addresses)}\n`);
    // Ends with the test that started it, however that ends.
    process.stdin.resume();
    process.stdin.on("end", () => process.exit(0));
}

void main();
