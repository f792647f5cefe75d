// The services of the control plane and of the compute hosts, as processes to start: what they run, what they read.
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const unprivileged = (user, ...command) => ["setpriv", `--reuid=${user}`, `--regid=${user}`, "--clear-groups", ...command];

/** uwsgi's plain HTTP socket closes after each reply: it must say so, or clients that keep connections see them reset. */
const uwsgi = (settings, port, processes, application) => [
  "uwsgi_python3", "--need-app", "--master", "--die-on-term", "--lazy-apps", "--enable-threads", "--buffer-size", "65535", "--thunder-lock", "--disable-logging",
  "--add-header", "Connection: close", "--http-socket", `${settings.gateway}:${port}`, "--processes", String(processes), "--wsgi-file", application,
];

/** Database, messages and cache. */
export function foundation(settings) {
  const { config, state, ports, gateway } = settings;
  const home = join(state, "rabbitmq");
  const rabbit = {
    HOME: home, RABBITMQ_HOME_DIR: "/usr/lib/rabbitmq", RABBITMQ_NODENAME: `${settings.prefix}@localhost`, RABBITMQ_NODE_IP_ADDRESS: gateway,
    RABBITMQ_NODE_PORT: ports.messages, RABBITMQ_DIST_PORT: ports.cluster, ERL_EPMD_PORT: ports.mapper, ERL_EPMD_ADDRESS: "127.0.0.1",
    RABBITMQ_MNESIA_BASE: `${home}/mnesia`, RABBITMQ_LOG_BASE: `${home}/log`, RABBITMQ_LOGS: "-", RABBITMQ_CONFIG_FILE: `${home}/rabbitmq.conf`,
    RABBITMQ_CONF_ENV_FILE: "/dev/null", RABBITMQ_ENABLED_PLUGINS_FILE: `${home}/rabbitmq-plugins`,
    // One scheduler that sleeps when idle.
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: "+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none",
  };
  return {
    database: { name: "database", command: ["mariadbd", `--defaults-file=${config}/my.cnf`, "--user=mysql"], files: [`${config}/my.cnf`], stopWithin: 30 },
    // Before the message server, which would otherwise leave one behind.
    mapper: { name: "epmd", command: unprivileged("rabbitmq", "epmd", "-address", "127.0.0.1", "-port", String(ports.mapper)) },
    messages: { name: "messages", command: unprivileged("rabbitmq", "/usr/lib/rabbitmq/bin/rabbitmq-server"), env: rabbit, files: [`${config}/rabbitmq.conf`], stopWithin: 30 },
    cache: { name: "memcached", command: ["memcached", "-u", "memcache", "-l", "127.0.0.1", "-p", String(ports.cache), "-m", "32", "-t", "1"] },
  };
}

/** The services with an API, and those that only they talk to. */
export function control(settings) {
  const { config, ports } = settings;
  const own = (name, program, ...files) => ({ name, command: [program, ...files.flatMap((file) => ["--config-file", join(config, file)])], files: files.map((file) => join(config, file)) });
  const nova = ["nova.conf"];
  const neutron = [`${settings.compute[0].name}/neutron.conf`, `${settings.compute[0].name}/ml2.ini`];
  const volume = own("cinder-volume", "cinder-volume", "cinder.conf");
  return {
    keystone: {
      name: "keystone", command: uwsgi(settings, ports.identity, 2, "/usr/bin/keystone-wsgi-public"),
      env: { OS_KEYSTONE_CONFIG_FILES: `${config}/keystone.conf` }, files: [`${config}/keystone.conf`],
    },
    glance: own("glance-api", "glance-api", "glance-api.conf"),
    placement: {
      name: "placement", command: uwsgi(settings, ports.placement, 1, "/usr/bin/placement-api"),
      env: { OS_PLACEMENT_CONFIG_DIR: `${config}/placement` }, files: [`${config}/placement/placement.conf`],
    },
    neutron: { ...own("neutron-server", "neutron-server", ...neutron), files: [...neutron, "neutron/policy.yaml"].map((file) => join(config, file)) },
    novaApi: own("nova-api", "nova-api", ...nova),
    novaConductor: own("nova-conductor", "nova-conductor", ...nova),
    novaScheduler: own("nova-scheduler", "nova-scheduler", ...nova),
    cinderApi: own("cinder-api", "cinder-api", "cinder.conf"),
    cinderScheduler: own("cinder-scheduler", "cinder-scheduler", "cinder.conf"),
    cinderVolume: { ...volume, env: { PYTHONPATH: here, PYTHONDONTWRITEBYTECODE: "1" }, files: [...volume.files, join(here, "loop_volumes.py")] },
    dhcp: own("neutron-dhcp-agent", "neutron-dhcp-agent", ...neutron, "neutron/dhcp_agent.ini"),
    metadata: own("neutron-metadata-agent", "neutron-metadata-agent", ...neutron, "neutron/metadata_agent.ini"),
    routers: own("neutron-l3-agent", "neutron-l3-agent", ...neutron, "neutron/l3_agent.ini"),
  };
}

/** Where a compute host keeps what. */
export const placesOf = (settings, { name }) => ({
  home: join(settings.state, "hosts", name, "nova"),
  neutron: join(settings.state, "hosts", name, "neutron"),
  state: join(settings.state, "hosts", name),
  libvirt: join(settings.state, "hosts", name, "libvirt", "etc"),
  socketDir: join(settings.records, name),
  socket: join(settings.records, name, "libvirt-sock"),
  ready: join(settings.records, name, "ready"),
});

/** A set of namespaces that holds one compute host. The first has the machine's network: the agents of the network live there. */
export const namespaces = (settings, host) => ({
  name: `host-${host.name}`,
  command: [
    "unshare", "--mount", "--uts", ...(host.number === 1 ? [] : ["--net"]), "--propagation", "slave",
    join(here, "compute-host.sh"), host.name, placesOf(settings, host).state, placesOf(settings, host).ready, host.number === 1 ? "machine" : "own",
  ],
});

/** What runs on a compute host; `pid` holds its namespaces. */
export function onHost(settings, host, pid) {
  const { name } = host;
  const own = (file) => join(settings.config, name, file);
  const inside = (...command) => ["nsenter", "-t", String(pid), "-m", "-u", "-n", ...command];
  return {
    // The parent of the instances, which are as any other program.
    libvirt: { name: `libvirtd-${name}`, niceness: 0, command: inside("libvirtd", "--config", own("libvirtd.conf"), "--pid-file", join(settings.records, name, "libvirtd.pid")), files: [own("libvirtd.conf")] },
    network: {
      name: `neutron-linuxbridge-agent-${name}`, files: [own("neutron.conf"), own("ml2.ini"), join(here, "neutron_linuxbridge_agent.py")],
      command: inside("/usr/bin/python3", join(here, "neutron_linuxbridge_agent.py"), "--config-file", own("neutron.conf"), "--config-file", own("ml2.ini")),
    },
    compute: {
      name: `nova-compute-${name}`, files: [own("nova.conf"), join(here, "nova_compute.py")],
      command: inside("/usr/bin/python3", join(here, "nova_compute.py"), "--config-file", own("nova.conf")),
    },
  };
}
