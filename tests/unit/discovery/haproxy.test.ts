import { balance, type BalancerSettings } from "../../../discovery/haproxy";
import { type Service, servicesOf } from "../../../discovery/services";

const settings: BalancerSettings = {
    group: "external",
    httpPort: 80,
    healthPort: 8405,
    connectTimeoutSec: 5,
    idleTimeoutSec: 60,
    drainSec: 600,
    maxConnections: 8000,
};

const task = (id: string, more: object = {}): object => ({
    id,
    state: "TASK_RUNNING",
    host: "agent1",
    ipAddresses: [{ ipAddress: "10.0.0.4", protocol: "IPv4" }],
    ports: [31000],
    healthCheckResults: [{ alive: true }],
    ...more,
});

const app = (more: object = {}): object => ({
    id: "/shop/web",
    labels: { HAPROXY_GROUP: "external" },
    portDefinitions: [{ port: 10000 }],
    healthChecks: [{ protocol: "HTTP", path: "/health", portIndex: 0 }],
    tasks: [task("web.1")],
    ...more,
});

const services = (...apps: object[]): Service[] => servicesOf({ apps });
const textOf = (...apps: object[]): string => balance(services(...apps), settings).text;
const labelled = (labels: object): object => app({ labels: { HAPROXY_GROUP: "external", ...labels } });

test("an app of the group is served on its service port, and its tasks are checked as Marathon checks them", () => {
    const text = textOf(app());
    expect(text).toMatch(/frontend shop_web_0\n {4}bind :10000\n {4}mode http/);
    expect(text).toMatch(
        /backend shop_web_0\n {4}mode http\n {4}balance roundrobin\n {4}option httpchk GET \/health\n/,
    );
    expect(text).toContain("    server web.1 10.0.0.4:31000 check\n");
});

test("the same apps in another order are the same text: nothing is reloaded for nothing", () => {
    const [a, b] = [app(), app({ id: "/b", portDefinitions: [{ port: 10001 }], tasks: [task("b.2"), task("b.1")] })];
    const turned = { ...b, tasks: [task("b.1"), task("b.2")] };
    expect(textOf(a, b)).toBe(textOf(turned, a));
});

test.each([
    ["an app of another group", { labels: { HAPROXY_GROUP: "internal" } }],
    ["an app without labels", { labels: {} }],
    ["a port that is switched off", { labels: { HAPROXY_GROUP: "external", HAPROXY_0_ENABLED: "false" } }],
])("%s is not served", (_what, more) => {
    expect(textOf(app(more))).not.toContain("shop_web");
});

test.each([
    ["has not been looked at yet", { healthCheckResults: [] }],
    ["is not healthy", { healthCheckResults: [{ alive: false }] }],
    ["is being killed", { state: "TASK_KILLING" }],
    ["has not started", { state: "TASK_STAGING" }],
    ["has an address that could be more than an address", { ipAddresses: [], host: "a b\nserver evil" }],
])("a task that %s gets no requests", (_what, more) => {
    expect(textOf(app({ tasks: [task("web.1"), task("web.2", more)] }))).toContain("server web.1");
    expect(textOf(app({ tasks: [task("web.1"), task("web.2", more)] }))).not.toContain("web.2");
});

test("a task that served goes on while a new leader has no results of checks yet, and goes when one fails", () => {
    const at = (healthCheckResults: object[]) => ({ apps: [app({ tasks: [task("web.1", { healthCheckResults })] })] });
    const before = servicesOf(at([{ alive: true }]));
    const ids = (results: object[], known: Service[]) =>
        servicesOf(at(results), known).flatMap(({ tasks }) => tasks.map(({ id }) => id));
    expect(ids([], before)).toEqual(["web.1"]);
    expect(ids([], [])).toEqual([]);
    expect(ids([{ alive: false }], before)).toEqual([]);
});

test("host names and paths are told apart, the longer path first", () => {
    const text = textOf(
        labelled({ HAPROXY_0_VHOST: "shop.example.org,www.example.org" }),
        app({
            id: "/shop/cart",
            labels: { HAPROXY_GROUP: "external", HAPROXY_0_VHOST: "shop.example.org", HAPROXY_0_PATH: "/cart" },
            portDefinitions: [{ port: 10001 }],
        }),
    );
    const rules = text.split("\n").filter((line) => line.includes("use_backend"));
    expect(rules).toEqual([
        "    use_backend shop_cart_0 if { req.hdr(host),field(1,:),lower -m str shop.example.org } { path /cart }",
        "    use_backend shop_cart_0 if { req.hdr(host),field(1,:),lower -m str shop.example.org } { path_beg /cart/ }",
        "    use_backend shop_web_0 if { req.hdr(host),field(1,:),lower -m str shop.example.org }",
        "    use_backend shop_web_0 if { req.hdr(host),field(1,:),lower -m str www.example.org }",
    ]);
});

test("an app without an HTTP check and host name is plain TCP, and a port mapping's service port counts", () => {
    const text = textOf(
        app({
            healthChecks: [],
            portDefinitions: [],
            container: { portMappings: [{ containerPort: 80, servicePort: 10007 }] },
            tasks: [task("db.1", { healthCheckResults: [] })],
        }),
    );
    expect(text).toMatch(/frontend shop_web_0\n {4}bind :10007\n {4}mode tcp\n/);
    expect(text).toMatch(/backend shop_web_0\n {4}mode tcp\n {4}balance roundrobin\n {4}server db.1/);
    expect(text.slice(text.indexOf("backend shop_web_0"))).not.toContain("retry-on");
});

test.each([
    [{ HAPROXY_0_VHOST: 'a" }\nbackend evil' }, "HAPROXY_0_VHOST"],
    [{ HAPROXY_0_VHOST: "a.b", HAPROXY_0_PATH: "no/slash" }, "HAPROXY_0_PATH"],
    [{ HAPROXY_0_PORT: "70000" }, "HAPROXY_0_PORT"],
    [{ HAPROXY_0_PORT: "80a" }, "HAPROXY_0_PORT"],
    [{ HAPROXY_0_MODE: "udp" }, "HAPROXY_0_MODE"],
    [{ HAPROXY_0_MODE: "tcp", HAPROXY_0_VHOST: "a.b" }, "HAPROXY_0_VHOST"],
    [{ HAPROXY_0_BALANCE: "magic" }, "HAPROXY_0_BALANCE"],
])("labels %j are refused by name, and no other app suffers", (labels, name) => {
    const other = app({ id: "/other", portDefinitions: [{ port: 10009 }] });
    const { text, faults } = balance(services(labelled(labels), other), settings);
    expect(faults).toEqual([expect.stringContaining(`/shop/web: ${name} is `)]);
    expect(text).toContain("frontend other_0");
    expect(text).not.toMatch(/shop_web|evil/);
});

test.each([
    [80, "host names"],
    [8405, "the load balancer's health"],
    [10000, "/shop/web"],
])("port %i, which %s has, is not given twice; by its host name the app is served all the same", (port, owner) => {
    const second = app({
        id: "/third",
        labels: { HAPROXY_GROUP: "external", HAPROXY_0_PORT: `${port}`, HAPROXY_0_VHOST: "third.org" },
    });
    const { text, faults } = balance(services(app(), second), settings);
    expect(faults).toEqual([`/third: port ${port} is taken by ${owner}; it is not served there`]);
    expect(text).toContain("use_backend third_0");
    expect(text).not.toContain("frontend third_0");
});

test("an answer without apps is no answer: what is known must stay", () => {
    expect(() => servicesOf({ message: "no leader" })).toThrow("holds no apps");
    expect(() => servicesOf("<html>")).toThrow("holds no apps");
});
