import { addressNumber, covering, isHostIn, parseCidr } from "../../../site/plan/addresses";

test.each([
    [["10.0.0.1"], ["10.0.0.1/32"]],
    [
        ["10.0.0.1", "10.0.0.2", "10.0.0.3"],
        ["10.0.0.1/32", "10.0.0.2/31"],
    ],
    [["10.0.0.4", "10.0.0.5", "10.0.0.6", "10.0.0.7"], ["10.0.0.4/30"]],
    [
        ["10.0.0.255", "10.0.1.0"],
        ["10.0.0.255/32", "10.0.1.0/32"],
    ],
    [["10.0.0.1", "10.0.0.1", "a.example.org"], ["10.0.0.1/32"]],
    [["255.255.255.255", "255.255.255.254"], ["255.255.255.254/31"]],
    [[], []],
])("%j is held by %j", (addresses, networks) => {
    expect(covering(addresses)).toEqual(networks);
});

test("networks hold every address, once, and no other, whatever the set", () => {
    let seed = 7;
    const random = (below: number) => (seed = (seed * 1103515245 + 12345) % 2 ** 31) % below;
    for (let round = 0; round < 200; round++) {
        const wanted = new Set(Array.from({ length: random(60) }, () => `10.0.${random(2)}.${random(64)}`));
        const networks = covering([...wanted]).map((cidr) => parseCidr(cidr));
        const held = networks.flatMap((network) =>
            network === undefined
                ? []
                : Array.from({ length: network.last - network.first + 1 }, (_, index) => network.first + index),
        );
        const numbers = [...wanted].map(addressNumber).sort((a, b) => (a ?? 0) - (b ?? 0));
        expect(held).toEqual(numbers);
    }
});

test.each([
    ["10.1.2.0/24", "10.1.2.1", true],
    ["10.1.2.0/24", "10.1.2.0", false],
    ["10.1.2.0/24", "10.1.2.255", false],
    ["10.1.2.0/24", "10.1.3.1", false],
    ["10.1.2.4/31", "10.1.2.4", true],
    ["10.1.2.4/32", "10.1.2.5", false],
])("in %s, %s can be a host: %s", (cidr, address, expected) => {
    const network = parseCidr(cidr);
    expect(network !== undefined && isHostIn(network, address)).toBe(expected);
});

test.each(["10.1.2.1/24", "10.1.2.0/33", "10.1.2/24", "10.1.2.0", "300.0.0.0/8"])("%s is no network", (text) => {
    expect(parseCidr(text)).toBeUndefined();
});
