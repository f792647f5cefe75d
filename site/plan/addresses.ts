/** IPv4 addresses as numbers: networks that hold them, and the fewest networks that hold nothing else. */
import { isIPv4 } from "node:net";

/** 10.0.0.1 → 167772161; undefined for what is no IPv4 address. */
export function addressNumber(address: string): number | undefined {
    return isIPv4(address) ? address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0) : undefined;
}

function addressText(number: number): string {
    return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join(".");
}

export interface Network {
    readonly first: number;
    readonly last: number;
}

/** @returns undefined for what is no network: a bad number, or an address with bits below the prefix */
export function parseCidr(text: string): Network | undefined {
    const [address = "", bits] = text.split("/");
    const first = addressNumber(address);
    const prefix = Number(bits);
    if (first === undefined || !(prefix >= 0 && prefix <= 32)) return undefined;
    const size = 2 ** (32 - prefix);
    return first % size === 0 ? { first, last: first + size - 1 } : undefined;
}

/** Whether the address is one that a host in the network can have: not its first, not its broadcast address. */
export function isHostIn({ first, last }: Network, address: string): boolean {
    const number = addressNumber(address);
    if (number === undefined) return false;
    return last - first < 2 ? number >= first && number <= last : number > first && number < last;
}

/** The fewest networks that hold exactly these addresses; what is no IPv4 address is left out. */
export function covering(addresses: readonly string[]): string[] {
    const numbers = [...new Set(addresses.flatMap((address) => addressNumber(address) ?? []))].sort((a, b) => a - b);
    const present = new Set(numbers);
    const networks: string[] = [];
    for (let index = 0; index < numbers.length;) {
        const first = numbers[index] ?? 0;
        let size = 1;
        while (first % (size * 2) === 0 && isFull(present, first + size, size)) size *= 2;
        networks.push(`${addressText(first)}/${32 - Math.log2(size)}`);
        index += size;
    }
    return networks;
}

function isFull(present: ReadonlySet<number>, first: number, count: number): boolean {
    for (let number = first; number < first + count; number++) if (!present.has(number)) return false;
    return true;
}
