/** HTTPS of Marathon and Metronome: what a site says of it, what hosts get, and what is refused. */
import { checkTls, keyFault } from "../../../site/checks/certificates";
import { trusting } from "../../../site/plan/certificates";
import { Report } from "../../../site/checks/report";
import { Authority } from "../../fakes/authority";
import { changed, faultsOf, planOf, type Tree } from "./sites";

const site = new Authority("Site CA");
const other = new Authority("Other CA");
const signed = site.sign(["IP:10.0.0.1", "IP:10.0.0.2"]);
const tls = { certificate: signed.certificate, keySecret: "marathon-key", ca: site.ca };

afterAll(() => [site, other].forEach((one) => one.remove()));

const frameworks = {
    marathon: { roles: ["services"], users: ["www"] },
    metronome: { roles: ["jobs"], users: ["nobody"] },
};
const tree = (changes: Readonly<Record<string, unknown>> = {}): Tree =>
    changed({ frameworks, "marathon members": ["bm[1-2]"], "marathon port": 8443, "marathon tls": tls, ...changes });

const linesOf = (text = ""): string[] =>
    text.split("\n").filter((line) => /HTTP|SSL|PLAY|WEB_UI/.test(line) && !line.startsWith("#"));

test("Marathon gets a keystore, made of the certificate and the stack's secret key when it starts; HTTP is off", () => {
    const plan = planOf(tree());
    const [marathon] = plan.schedulers;
    expect(marathon).toMatchObject({
        urls: ["https://10.0.0.1:8443", "https://10.0.0.2:8443"],
        ca: site.ca,
    });
    const member = marathon?.members[1];
    const { files = {}, units = {}, packages, service } = member ?? {};
    expect(linesOf(files["/etc/marathon/marathon.env"]?.content)).toEqual([
        "MARATHON_DISABLE_HTTP=",
        "MARATHON_HTTPS_PORT=8443",
        "MARATHON_SSL_KEYSTORE_PATH=/run/marathon/keystore.p12",
    ]);
    expect(linesOf(files["/etc/marathon/marathon-secrets.env"]?.content)).toEqual([
        "MARATHON_HTTP_CREDENTIALS=marathon:@@secret:marathon-http@@",
        "MARATHON_SSL_KEYSTORE_PASSWORD=@@secret:marathon-keystore@@",
    ]);
    expect(files["/etc/marathon/tls-key.pem"]).toMatchObject({
        content: "@@secret:marathon-key@@\n",
        mode: "0600",
        owner: "marathon",
    });
    expect(files["/etc/marathon/tls-certificate.pem"]).toMatchObject({ content: signed.certificate, mode: "0644" });
    const unit = files["/etc/systemd/system/marathon.service"]?.content;
    expect(unit).toMatchInlineSnapshot(`
        "# Written by pulumi-mesos from the stack file: changes by hand are undone.
        [Unit]
        Description=Marathon
        Wants=network-online.target
        After=network-online.target
        # It ends itself when it loses ZooKeeper or leadership: it must come back whatever happens and however often.
        StartLimitIntervalSec=0

        [Service]
        User=marathon
        EnvironmentFile=/etc/marathon/marathon.env
        EnvironmentFile=/etc/marathon/marathon-secrets.env
        # In memory, this user's alone, and gone with the service: also what an earlier start left there.
        RuntimeDirectory=marathon
        RuntimeDirectoryMode=0700
        ExecStartPre=/etc/marathon/make-keystore
        ExecStart=/usr/bin/marathon
        Restart=always
        RestartSec=2
        LimitNOFILE=65536

        [Install]
        WantedBy=multi-user.target
        "
    `);
    // The process list shows no password, and a new certificate restarts it: in turn, as every change of its files.
    const maker = files["/etc/marathon/make-keystore"];
    expect(maker?.mode).toBe("0755");
    expect(maker?.content).toContain(" -passout env:MARATHON_SSL_KEYSTORE_PASSWORD\n");
    expect(maker?.content).not.toMatch(/pass(in|out)? pass:/);
    expect(units["marathon.service"]?.restartOn).toContain("/etc/marathon/tls-certificate.pem");
    expect(packages).toContainEqual({ name: "openssl" });
    expect(service).toMatchObject({ port: 8443, tls: { ca: site.ca } });
    expect(plan.secrets).toContainEqual({ name: "marathon-key", length: 0, given: true });
    expect(plan.secrets).toContainEqual({ name: "marathon-keystore", length: 32 });
});

test("Metronome gets the same by the names of its own environment", () => {
    const members = ["bm[1-2]"];
    const [metronome] = planOf(changed({ frameworks, metronome: { members, port: 9443, tls } })).schedulers;
    expect(metronome?.urls).toEqual(["https://10.0.0.1:9443", "https://10.0.0.2:9443"]);
    const files = metronome?.members[0]?.files ?? {};
    expect(linesOf(files["/etc/metronome/metronome.env"]?.content)).toEqual([
        "METRONOME_PLAY_SERVER_HTTPS_KEYSTORE_PATH=/run/metronome/keystore.p12",
        "METRONOME_PLAY_SERVER_HTTPS_KEYSTORE_TYPE=PKCS12",
        "METRONOME_PLAY_SERVER_HTTPS_PORT=9443",
        "METRONOME_PLAY_SERVER_HTTP_PORT=disabled",
        "METRONOME_WEB_UI_URL=https://10.0.0.1:9443",
    ]);
    expect(files["/etc/metronome/make-keystore"]?.content).toContain(
        "-passout env:METRONOME_PLAY_SERVER_HTTPS_KEYSTORE_PASSWORD\n",
    );
});

test("programs of ours that follow Marathon are told the authority, and without HTTPS nothing is said of it", () => {
    const discovery = { hosts: ["bm3"] };
    const settings = (site: Tree): unknown =>
        JSON.parse(planOf(site).nameServers[0]?.files["/etc/pulumi-mesos/names.json"]?.content ?? "{}");
    const caFile = "/etc/pulumi-mesos/names-authorities.pem";
    expect(settings(tree({ discovery }))).toMatchObject({ marathon: { caFile } });
    expect(planOf(tree({ discovery })).nameServers[0]?.files[caFile]?.content).toBe(site.ca);
    const plain = tree({ discovery, "marathon tls": undefined });
    expect(settings(plain)).not.toHaveProperty("marathon.caFile");
    expect(planOf(plain).schedulers[0]).not.toHaveProperty("ca");
});

describe("by the site's own authority", () => {
    const own = (changes: Readonly<Record<string, unknown>> = {}): Tree =>
        tree({ "marathon tls": { issuer: "site", names: ["marathon.example.org"] }, ...changes });

    test("each member has a certificate of its own, that names its host, its address and what it is called by", () => {
        const plan = planOf(
            own({ metronome: { members: ["bm2"], tls: { issuer: "site" } }, discovery: { hosts: ["bm3"] } }),
        );
        expect(plan.certificates).toEqual({
            authority: { organisation: "small", days: 3650, overlapHours: 24, generation: 1, protect: true },
            servers: [
                {
                    name: "marathon-bm1",
                    names: ["10.0.0.1", "bm1", "marathon.mesos", "marathon.example.org"],
                    days: 90,
                },
                {
                    name: "marathon-bm2",
                    names: ["10.0.0.2", "bm2", "marathon.mesos", "marathon.example.org"],
                    days: 90,
                },
                { name: "metronome-bm2", names: ["10.0.0.2", "bm2", "metronome.mesos"], days: 90 },
            ],
        });
        const [marathon] = plan.schedulers;
        expect(marathon).toMatchObject({
            urls: ["https://10.0.0.1:8443", "https://10.0.0.2:8443"],
            ca: "@@value:authorities@@",
        });
        const { files = {}, service } = marathon?.members[1] ?? {};
        expect(service).toMatchObject({ tls: { ca: "@@value:authorities@@" } });
        expect(files["/etc/marathon/tls-certificate.pem"]).toMatchObject({
            content: "@@value:certificate-marathon-bm2@@",
            mode: "0644",
            secrets: [],
            values: ["certificate-marathon-bm2"],
        });
        expect(files["/etc/marathon/tls-key.pem"]).toMatchObject({
            content: "@@secret:key-marathon-bm2@@",
            mode: "0600",
            owner: "marathon",
            secrets: ["key-marathon-bm2"],
        });
        expect(files["/etc/marathon/tls-authorities.pem"]?.values).toEqual(["authorities"]);
        expect(plan.nameServers[0]?.files["/etc/pulumi-mesos/names-authorities.pem"]?.values).toEqual(["authorities"]);
        // Nothing is asked of the administrator.
        expect(plan.secrets.filter(({ given }) => given)).toEqual([]);
    });

    test("whoever asks without the engine is told the authorities; a site without any has none", () => {
        const [marathon] = trusting(planOf(own()), "PEM").schedulers;
        expect(marathon).toMatchObject({ ca: "PEM", members: [{ service: { tls: { ca: "PEM" } } }, {}] });
        const given = planOf(tree());
        expect(given.certificates).toBeUndefined();
        expect(trusting(given, "PEM")).toEqual(given);
    });

    test("who watches is told them too", () => {
        const [monitor] = planOf(own({ monitoring: { hosts: ["bm3"] } })).monitoring?.monitors ?? [];
        const caFile = "/etc/pulumi-mesos/exporter-authorities-marathon.pem";
        expect(JSON.parse(monitor?.files["/etc/pulumi-mesos/exporter.json"]?.content ?? "{}")).toMatchObject({
            jobs: { marathon: [{ tls: { caFile } }, { tls: { caFile } }] },
        });
        expect(monitor?.files[caFile]?.values).toEqual(["authorities"]);
        expect(monitor?.units["pulumi-mesos-exporter.service"]?.restartOn).toContain(caFile);
    });

    test.each<[string, Readonly<Record<string, unknown>>, string[]]>([
        [
            "a certificate as well, a name that is none, and lives that do not fit: all of it at once",
            {
                "marathon tls": { issuer: "site", certificate: "x", names: ["a b"] },
                certificates: { days: 90, authority: { days: 200, overlapHours: -1 } },
            },
            [
                "FORMAT marathon.tls.names[0]",
                "KEY_UNKNOWN marathon.tls.certificate",
                "OUT_OF_RANGE certificates.authority.overlapHours",
                "TLS_LIFE certificates.days",
            ],
        ],
        ["an issuer that there is not", { "marathon tls": { issuer: "sites" } }, ["NOT_ALLOWED marathon.tls.issuer"]],
        [
            "servers of others",
            { "marathon members": undefined, "marathon existing": { urls: ["https://10.0.0.1:8443"] } },
            ["TLS_WHICH marathon.tls"],
        ],
    ])("is refused: %s", (_, changes, expected) => {
        expect(
            faultsOf(own(changes))
                .map(({ code, path }) => `${code} ${path}`)
                .sort(),
        ).toEqual(expected);
    });
});

const existing = { urls: ["https://10.0.0.1:8443"], ca: site.ca };

test.each<[string, Readonly<Record<string, unknown>>, string[]]>([
    [
        "a certificate alone, and none at that: all of it at once",
        { "marathon tls": { certificate: "x" } },
        ["MISSING marathon.tls.keySecret", "TLS_CERTIFICATE marathon.tls.certificate"],
    ],
    ["a key alone", { "marathon tls": { keySecret: "k" } }, ["MISSING marathon.tls.certificate"]],
    [
        "neither is what it should be: all of it at once",
        {
            "marathon tls": {
                certificate: "x",
                keySecret: "k",
                ca: "-----BEGIN CERTIFICATE-----\nxx\n-----END CERTIFICATE-----",
            },
        },
        ["TLS_CERTIFICATE marathon.tls.certificate", "TLS_CERTIFICATE marathon.tls.ca"],
    ],
    [
        "a private key in the stack file",
        { "marathon tls": { ...tls, certificate: `${signed.certificate}${signed.key}` } },
        ["TLS_CERTIFICATE marathon.tls.certificate"],
    ],
    ["a member that it does not name", { "marathon members": ["bm[1-3]"] }, ["TLS_NAMES marathon.tls.certificate"]],
    [
        "an authority that has not signed it",
        { "marathon tls": { ...tls, ca: other.ca } },
        ["TLS_CHAIN marathon.tls.ca"],
    ],
    [
        "a keystore by hand",
        { "marathon settings": { ssl_keystore_path: "/x", https_port: 1 } },
        ["FLAG_OWNED marathon.settings.https_port", "FLAG_OWNED marathon.settings.ssl_keystore_path"],
    ],
    [
        "a certificate for servers of others",
        { "marathon members": undefined, "marathon existing": existing },
        ["TLS_WHICH marathon.tls"],
    ],
    [
        "an authority for plain HTTP",
        { marathon: { existing: { ...existing, urls: [...existing.urls, "http://10.0.0.2:8080"] } } },
        ["TLS_WHICH marathon.existing.urls[1]"],
    ],
])("is refused: %s", (_, changes, expected) => {
    const faults = faultsOf(tree(changes));
    expect(faults.map(({ code, path }) => `${code} ${path}`)).toEqual(expected);
    expect(JSON.stringify(faults)).not.toContain("PRIVATE KEY-----");
});

test("a certificate that has ended, or has not begun, is refused; and one in between joins a chain", () => {
    const codes = (certificate: string, ca: string): string[] => {
        const report = new Report();
        checkTls("tls", { certificate, ca }, ["10.0.0.1"], report);
        return report.faults.map(({ code, path }) => `${code} ${path}`);
    };
    expect(codes(signed.certificate, site.ca)).toEqual([]);
    expect(codes(signed.certificate, `${other.ca}\n${site.ca}`)).toEqual([]);
    const DAY_MS = 86_400_000;
    const now = Date.now();
    for (const days of [40, -40]) {
        jest.spyOn(Date, "now").mockReturnValue(now + days * DAY_MS);
        const expected =
            days > 0 ? ["TLS_EXPIRED tls.certificate"] : ["TLS_EXPIRED tls.ca", "TLS_EXPIRED tls.certificate"];
        expect(codes(signed.certificate, site.ca).sort()).toEqual(expected.sort());
    }
    jest.restoreAllMocks();
    // A month is its life: a week before its end it is worth a word.
    for (const [days, expected] of [
        [21, []],
        [24, ["TLS_EXPIRES tls.certificate"]],
    ] as const) {
        jest.spyOn(Date, "now").mockReturnValue(now + days * DAY_MS);
        const report = new Report();
        checkTls("tls", { certificate: signed.certificate, ca: site.ca }, ["10.0.0.1"], report);
        expect(report.faults).toEqual([]);
        expect(report.warnings.map(({ code, path }) => `${code} ${path}`)).toEqual(expected);
    }
    jest.restoreAllMocks();
    // Signed by one that the authority has signed: with it all is well, without it there is no way to the authority.
    const between = site.authority("Between CA");
    const own = between.sign(["IP:10.0.0.1"]);
    expect(codes(`${own.certificate}${between.ca}`, site.ca)).toEqual([]);
    expect(codes(own.certificate, site.ca)).toEqual(["TLS_CHAIN tls.ca"]);
    between.remove();
});

test("a private key that is not the certificate's is found without a word of it", () => {
    expect(keyFault(signed.certificate, signed.key)).toBeUndefined();
    expect(keyFault(signed.certificate, other.sign(["DNS:x"]).key)).toBe("it is not the certificate's private key");
    expect(keyFault(signed.certificate, "secret")).toMatch(/^it is no private key/);
});
