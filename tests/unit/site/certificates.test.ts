/** HTTPS of Marathon and Metronome: what a site says of it, what hosts get, and what is refused. */
import { checkTls, keyFault } from "../../../site/checks/certificates";
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
        # Java takes no PEM: the keystore is made anew at every start.
        ExecStartPre=/usr/bin/openssl pkcs12 -export -name marathon -in /etc/marathon/tls-certificate.pem -inkey /etc/marathon/tls-key.pem -certfile /etc/marathon/tls-authorities.pem -out /run/marathon/keystore.p12 -passout env:MARATHON_SSL_KEYSTORE_PASSWORD
        ExecStart=/usr/bin/marathon
        Restart=always
        RestartSec=2
        LimitNOFILE=65536

        [Install]
        WantedBy=multi-user.target
        "
    `);
    // The process list shows no password, and a new certificate restarts it: in turn, as every change of its files.
    expect(unit).not.toMatch(/-passout pass:/);
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
    expect(files["/etc/systemd/system/metronome.service"]?.content).toContain(
        "-passout env:METRONOME_PLAY_SERVER_HTTPS_KEYSTORE_PASSWORD\n",
    );
});

test("programs of ours that follow Marathon are told the authority, and without HTTPS nothing is said of it", () => {
    const discovery = { hosts: ["bm3"] };
    const settings = (site: Tree): unknown =>
        JSON.parse(planOf(site).nameServers[0]?.files["/etc/pulumi-mesos/names.json"]?.content ?? "{}");
    expect(settings(tree({ discovery }))).toMatchObject({ marathon: { ca: site.ca } });
    const plain = tree({ discovery, "marathon tls": undefined });
    expect(settings(plain)).not.toHaveProperty("marathon.ca");
    expect(planOf(plain).schedulers[0]).not.toHaveProperty("ca");
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
