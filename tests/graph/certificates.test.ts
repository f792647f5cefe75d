/** Certificates of the site's own authority, by Pulumi's mocks: what is made of the plan's marks, and what is a secret. */
import fs from "node:fs";
import { register, type Registered, siteOf } from "./register";

let all: Registered[];
beforeAll(async () => {
    const read = fs.readFileSync;
    const program = jest
        .spyOn(fs, "readFileSync")
        .mockImplementation(((path: string, ...more: never[]) =>
            /components.shared.host.discovery\.js$/.test(path)
                ? "the program"
                : read(path, ...more)) as typeof fs.readFileSync);
    all = await register({
        ...siteOf("lab/Pulumi.lab.yaml"),
        marathon: { members: ["bm[1-2]"], tls: { issuer: "site" }, groups: { "/g": {} } },
        discovery: { hosts: ["bm3"] },
        certificates: { days: 30 },
    });
    program.mockRestore();
});

const hostConfig = (name: string): Registered["inputs"] => {
    const found = all.find((resource) => resource.type === "mesos:index:HostConfig" && resource.name === name);
    if (found === undefined) throw new Error(`there is no HostConfig ${name}`);
    return found.inputs;
};
test("one authority, protected, and a certificate for each server; the names are addresses in people's states", () => {
    const made = all.filter(({ type }) => /Certificate/.test(type));
    expect(
        made.map(({ type, name, options }) => `${type} ${name}${options.protect ? " protected" : ""}`).sort(),
    ).toEqual([
        "mesos:index:Certificate marathon-bm1",
        "mesos:index:Certificate marathon-bm2",
        "mesos:index:CertificateAuthority authority protected",
        "pulumi-mesos:shared:SiteCertificates certificates",
    ]);
    const certificate = made.find(({ name }) => name === "marathon-bm2");
    expect(certificate?.inputs).toMatchObject({
        authority: { certificate: "the authority", key: "its key" },
        days: 30,
    });
});

test("each host gets its own certificate and key, and everybody who asks is told the authorities", () => {
    const host = hostConfig("marathon-bm2");
    const own = host["files"] as Record<string, unknown>;
    expect(own["/etc/marathon/tls-certificate.pem"]).toMatchObject({ content: "certificate-of-marathon-bm2" });
    expect(own["/etc/marathon/tls-key.pem"]).toMatchObject({
        content: "key-of-marathon-bm2",
        mode: "0600",
        owner: "marathon",
    });
    expect(own["/etc/marathon/tls-authorities.pem"]).toMatchObject({ content: "all authorities" });
    expect(host["service"]).toMatchObject({ kind: "marathon", tls: { ca: "all authorities" } });
    expect(
        (hostConfig("names-bm3")["files"] as Record<string, unknown>)["/etc/pulumi-mesos/names-authorities.pem"],
    ).toMatchObject({
        content: "all authorities",
    });
    expect(all.find(({ name }) => name === "g")?.inputs["server"]).toMatchObject({
        ca: "all authorities",
        urls: [expect.stringMatching(/^https:/), expect.anything()],
    });
    // No mark is left anywhere.
    expect(JSON.stringify(all.map(({ inputs }) => inputs))).not.toMatch(/@@(value|secret):/);
});
