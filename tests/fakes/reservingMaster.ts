/** A master with one agent, as far as reservations go: what was asked of a real Mesos 1.11, and what it answered. */
import type { OperatorApi } from "../../provider/clients/mesos";
import { UserError } from "../../provider/resources/resource";
import type { Plain, Properties } from "../../provider/wire";
import { coalesce, covers, formatRanges, type NumberRange, subtract } from "../../site/plan/portRanges";

interface Resource {
    readonly name: string;
    readonly type: "SCALAR" | "RANGES";
    /** 0 of ports. */
    readonly scalar: { readonly value: number };
    readonly ranges?: { readonly range: readonly { readonly begin: number; readonly end: number }[] };
    readonly reservations?: readonly object[];
    readonly disk?: { readonly persistence: { readonly id: string; readonly principal?: string } };
}

/** What makes two resources one: everything but their amount. */
const kindOf = ({ name, reservations = [], disk }: Resource): string =>
    JSON.stringify([name, reservations, disk ?? null]);
const rangesOf = ({ ranges }: Resource): NumberRange[] =>
    (ranges?.range ?? []).map(({ begin, end }) => [begin, end] as const);
const round = (value: number): number => Math.round(value * 1000) / 1000;

export class ReservingMaster implements OperatorApi {
    /** Changes, in order. */
    public readonly calls: string[] = [];
    public away = false;
    private held: Resource[];

    public constructor(
        private readonly hostname: string,
        amounts: Readonly<Record<string, number>>,
        ports: readonly NumberRange[] = [],
    ) {
        const range = ports.map(([begin, end]) => ({ begin, end }));
        this.held = [
            ...Object.entries(amounts).map(([name, value]): Resource => ({ name, type: "SCALAR", scalar: { value } })),
            { name: "ports", type: "RANGES", scalar: { value: 0 }, ranges: { range } },
        ];
    }

    private addPorts(resource: Resource, sign: 1 | -1): void {
        const present = this.held.find((one) => kindOf(one) === kindOf(resource));
        const [has, given] = [present === undefined ? [] : rangesOf(present), rangesOf(resource)];
        if (sign < 0 && !covers(has, given))
            throw new UserError(
                `HTTP 409 ports:[${formatRanges(has)}] does not contain ports:[${formatRanges(given)}]`,
            );
        const range = (sign > 0 ? coalesce([...has, ...given]) : subtract(has, given)).map(([begin, end]) => ({
            begin,
            end,
        }));
        this.held = [
            ...this.held.filter((one) => one !== present),
            ...(range.length === 0 ? [] : [{ ...resource, scalar: { value: 0 }, ranges: { range } }]),
        ];
    }

    private add(resource: Resource, sign: 1 | -1): void {
        if (resource.type === "RANGES") {
            this.addPorts(resource, sign);
            return;
        }
        const present = this.held.find((one) => kindOf(one) === kindOf(resource));
        const value = round((present?.scalar.value ?? 0) + sign * resource.scalar.value);
        if (value < 0)
            throw new UserError(
                `HTTP 409 ${this.held.map(({ name, scalar }) => `${name}:${scalar.value}`).join("; ")} does not contain ${resource.name}:${resource.scalar.value}`,
            );
        this.held = [
            ...this.held.filter((one) => one !== present),
            ...(value === 0 ? [] : [{ ...resource, scalar: { value } }]),
        ];
    }

    /** Takes one thing for another, as every call does. */
    private convert(from: readonly Resource[], to: readonly Resource[]): void {
        for (const one of from) this.add(one, -1);
        for (const one of to) this.add(one, 1);
    }

    private bare({ name, type, scalar, ranges }: Resource): Resource {
        return { name, type, scalar, ...(ranges && { ranges }) };
    }

    private plain(resource: Resource, value = resource.scalar.value): Resource {
        const { name, type, reservations = [] } = resource;
        return { name, type, scalar: { value }, reservations };
    }

    public free(): Record<string, number> {
        const names = ["cpus", "mem", "disk"];
        return Object.fromEntries(
            names.map((name) => [
                name,
                this.held.find((one) => one.name === name && one.reservations === undefined)?.scalar.value ?? 0,
            ]),
        );
    }

    /** Those that are nobody's. */
    public freePorts(): string {
        const own = this.held.find((one) => one.name === "ports" && one.reservations === undefined);
        return formatRanges(own === undefined ? [] : rangesOf(own));
    }

    public volumes(): Record<string, number> {
        return Object.fromEntries(
            this.held.flatMap(({ disk, scalar }) => (disk === undefined ? [] : [[disk.persistence.id, scalar.value]])),
        );
    }

    public reserve(name: string, value: number, reservation: object): void {
        const resource: Resource = { name, type: "SCALAR", scalar: { value }, reservations: [reservation] };
        this.convert([this.bare(resource)], [resource]);
    }

    public addVolume(id: string, value: number, principal: string): void {
        const reservations = [{ type: "DYNAMIC", role: "services", principal: "operator" }];
        const disk: Resource = { name: "disk", type: "SCALAR", scalar: { value }, reservations };
        this.convert([disk], [{ ...disk, disk: { persistence: { id, principal } } }]);
    }

    /** As if somebody else had taken all back. */
    public forget(): void {
        for (const one of this.held.filter(({ reservations }) => reservations !== undefined))
            this.convert([one], [this.bare(one)]);
    }

    public operate(type: string, parts: object): Promise<Record<string, Plain>> {
        return new Promise((resolve) => resolve(this.answer(type, parts)));
    }

    private answer(type: string, parts: object): Record<string, Plain> {
        if (type === "GET_AGENTS") return this.agents();
        this.calls.push(type);
        const given = (parts as Record<string, unknown>)[type.toLowerCase()] as {
            agent_id: { value: string };
            resources?: Resource[];
            volumes?: Resource[];
            volume?: Resource;
            addition?: Resource;
            subtract?: { value: number };
        };
        if (given.agent_id.value !== "S1") throw new Error("no such agent");
        const { resources = [], volumes = [], volume, addition, subtract } = given;
        switch (type) {
            case "RESERVE_RESOURCES":
                this.convert(
                    resources.map((one) => this.bare(one)),
                    resources,
                );
                break;
            case "UNRESERVE_RESOURCES":
                this.convert(
                    resources,
                    resources.map((one) => this.bare(one)),
                );
                break;
            case "CREATE_VOLUMES":
                this.convert(
                    volumes.map((one) => this.plain(one)),
                    volumes,
                );
                break;
            case "DESTROY_VOLUMES":
                this.convert(
                    volumes,
                    volumes.map((one) => this.plain(one)),
                );
                break;
            case "GROW_VOLUME":
                if (volume === undefined || addition === undefined) throw new Error("volume and addition are wanted");
                this.convert(
                    [volume, addition],
                    [{ ...volume, scalar: { value: volume.scalar.value + addition.scalar.value } }],
                );
                break;
            case "SHRINK_VOLUME":
                if (volume === undefined || subtract === undefined) throw new Error("volume and subtract are wanted");
                this.convert(
                    [volume],
                    [
                        { ...volume, scalar: { value: volume.scalar.value - subtract.value } },
                        this.plain(volume, subtract.value),
                    ],
                );
                break;
            default:
                throw new Error(`no such call: ${type}`);
        }
        return {};
    }

    private agents(): Record<string, Plain> {
        const agent = {
            active: true,
            agent_info: { id: { value: "S1" }, hostname: this.hostname },
            // The real one tells the old fields beside the new ones.
            total_resources: this.held.map((one) => ({
                ...one,
                ...(one.type === "RANGES" ? { scalar: undefined } : {}),
                ...(one.reservations === undefined ? { role: "*" } : { role: "services", reservation: {} }),
            })),
        };
        return { get_agents: { agents: this.away ? [] : [agent as unknown as Properties] } };
    }
}
