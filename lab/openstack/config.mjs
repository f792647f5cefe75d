// The configuration files of the control plane: text from settings and secrets, nothing else.

/** INI text from { section: { key: value } }; a list becomes one line per value. */
export function ini(sections) {
  return Object.entries(sections)
    .map(([name, keys]) => {
      const lines = Object.entries(keys)
        .filter(([, value]) => value !== undefined)
        .flatMap(([key, value]) => [value].flat().map((one) => `${key} = ${one}`));
      return `[${name}]\n${lines.join("\n")}\n`;
    })
    .join("\n");
}

/** Addresses of the services, as clients use them. The APIs listen on the provider network's gateway: compute hosts reach that. */
export function endpoints({ gateway, ports }) {
  const at = (port, path = "") => `http://${gateway}:${port}${path}`;
  return {
    identity: at(ports.identity, "/v3"),
    image: at(ports.image),
    placement: at(ports.placement),
    compute: at(ports.compute, "/v2.1"),
    network: at(ports.network),
    volumev3: at(ports.volume, "/v3/%(project_id)s"),
  };
}

/** Service of the catalog → user of that service and database. */
export const serviceUsers = { image: "glance", placement: "placement", compute: "nova", network: "neutron", volumev3: "cinder" };

/** The databases, each with the account that owns it. */
export const databases = {
  keystone: "keystone", glance: "glance", placement: "placement", nova_api: "nova", nova: "nova", nova_cell0: "nova", neutron: "neutron", cinder: "cinder",
};

const loopback = "127.0.0.1";

/**
 * @param settings of readOpenstackSettings
 * @param {(name: string) => string} secret a password by name, made once and kept
 */
export function makeConfig(settings, secret) {
  const { gateway, ports, region, state } = settings;
  const auth = endpoints(settings).identity;
  const databaseUrl = (name) =>
    `mysql+pymysql://${databases[name]}:${secret(`database-${databases[name]}`)}@${loopback}:${ports.database}/${name}?charset=utf8`;
  const database = (name) => ({ connection: databaseUrl(name), max_pool_size: 5, max_overflow: 20 });
  const messages = `rabbit://lab:${secret("messages")}@${gateway}:${ports.messages}/`;
  const client = (user) => ({
    auth_type: "password", auth_url: auth, region_name: region, project_name: "service", project_domain_id: "default", user_domain_id: "default",
    username: user, password: secret(`service-${user}`),
  });
  const authtoken = (user) => ({
    ...client(user), www_authenticate_uri: auth, memcached_servers: `${loopback}:${ports.cache}`, service_token_roles: "service", service_token_roles_required: true,
  });
  const imageUrl = endpoints(settings).image;

  const keystone = () => ini({
    DEFAULT: { use_stderr: true },
    database: database("keystone"),
    cache: { enabled: true, backend: "dogpile.cache.memcached", memcache_servers: `${loopback}:${ports.cache}` },
    token: { provider: "fernet", expiration: 86_400 },
    fernet_tokens: { key_repository: `${state}/keystone/fernet-keys` },
    fernet_receipts: { key_repository: `${state}/keystone/fernet-keys` },
    credential: { key_repository: `${state}/keystone/credential-keys` },
  });

  const glance = () => ini({
    DEFAULT: { bind_host: gateway, bind_port: ports.image, workers: 0, enabled_backends: "file:file", transport_url: messages },
    database: database("glance"),
    glance_store: { default_backend: "file" },
    file: { filesystem_store_datadir: `${state}/glance/images/` },
    os_glance_staging_store: { filesystem_store_datadir: `${state}/glance/staging/` },
    os_glance_tasks_store: { filesystem_store_datadir: `${state}/glance/tasks/` },
    paste_deploy: { flavor: "keystone", config_file: "/etc/glance/glance-api-paste.ini" },
    oslo_concurrency: { lock_path: `${state}/glance/lock` },
    keystone_authtoken: authtoken("glance"),
  });

  const placement = () => ini({
    api: { auth_strategy: "keystone" },
    placement_database: database("placement"),
    keystone_authtoken: authtoken("placement"),
  });

  const cinder = () => ini({
    DEFAULT: {
      host: settings.prefix, my_ip: gateway, state_path: `${state}/cinder`, transport_url: messages, auth_strategy: "keystone",
      osapi_volume_listen: gateway, osapi_volume_listen_port: ports.volume, osapi_volume_workers: 1,
      api_paste_config: "/etc/cinder/api-paste.ini", resource_query_filters_file: "/etc/cinder/resource_filters.json",
      glance_api_servers: imageUrl, enabled_backends: settings.compute.map(({ zone }) => zone).join(","), default_volume_type: settings.volumeTypes[0],
      storage_availability_zone: "az1", default_availability_zone: "az1", allow_availability_zone_fallback: false,
      // Root runs all of it: no wrapper that looks commands up in a list.
      rootwrap_config: "/etc/cinder/rootwrap.conf",
    },
    ...Object.fromEntries(settings.compute.map(({ zone }) => [zone, {
      volume_driver: "loop_volumes.LoopVolumeDriver", volume_backend_name: "loop", backend_availability_zone: zone,
      volumes_dir: `${state}/volumes/${zone}`, image_conversion_dir: `${state}/cinder/conversion`,
    }])),
    backend_defaults: { reserved_percentage: 0, max_over_subscription_ratio: 20 },
    database: database("cinder"),
    oslo_concurrency: { lock_path: `${state}/cinder/lock` },
    nova: client("nova"),
    service_user: { send_service_user_token: true, ...client("cinder") },
    keystone_authtoken: authtoken("cinder"),
  });

  /** @param {{name: string, address: string, home: string, virt: string, socket: string, controls?: boolean}} host */
  const nova = ({ name, address, home, virt, socket, controls = false }) => ini({
    DEFAULT: {
      host: name, my_ip: address, state_path: home, instances_path: `${home}/instances`, transport_url: messages,
      enabled_apis: "osapi_compute,metadata", osapi_compute_listen: gateway, osapi_compute_listen_port: ports.compute, osapi_compute_workers: 1,
      metadata_listen: loopback, metadata_listen_port: ports.metadata, metadata_workers: 1,
      compute_driver: "libvirt.LibvirtDriver", force_config_drive: virt !== "lxc", config_drive_format: "iso9660", mkisofs_cmd: "genisoimage",
      // Every compute host counts the whole machine as its own.
      cpu_allocation_ratio: 16, ram_allocation_ratio: 1, disk_allocation_ratio: 16, reserved_host_memory_mb: 4096, reserved_host_disk_mb: 0,
      vif_plugging_timeout: 120, resume_guests_state_on_host_boot: true, allow_resize_to_same_host: true,
      // An instance that is deleted is gone at once, and so is what its host still remembers of it.
      reclaim_instance_interval: 0, running_deleted_instance_poll_interval: 60, sync_power_state_interval: 60, heal_instance_info_cache_interval: 600,
    },
    // Only the control plane has databases: a compute host that knows of them asks them, and may not reach them.
    ...(controls && { database: database("nova"), api_database: database("nova_api") }),
    api: { auth_strategy: "keystone" },
    wsgi: { api_paste_config: "/etc/nova/api-paste.ini" },
    conductor: { workers: 1 },
    scheduler: { workers: 1, discover_hosts_in_cells_interval: 5 },
    filter_scheduler: {
      enabled_filters: "AvailabilityZoneFilter,ComputeFilter,ComputeCapabilitiesFilter,ImagePropertiesFilter,ServerGroupAntiAffinityFilter,ServerGroupAffinityFilter,SameHostFilter,DifferentHostFilter,AggregateInstanceExtraSpecsFilter",
    },
    glance: { api_servers: imageUrl },
    // A volume serves the instances of its own zone only, as in most clouds that have both.
    cinder: { cross_az_attach: false, catalog_info: "volumev3::publicURL", os_region_name: region },
    vnc: { enabled: false },
    spice: { enabled: false },
    oslo_concurrency: { lock_path: `${home}/lock` },
    libvirt: {
      virt_type: virt, cpu_mode: virt === "kvm" ? "host-passthrough" : "none", connection_uri: `${virt === "lxc" ? "lxc" : "qemu"}+unix:///system?socket=${socket}`,
      images_type: virt === "lxc" ? "raw" : "qcow2", disk_cachemodes: "file=unsafe", inject_partition: -2, use_virtio_for_bridges: true, wait_soft_reboot_seconds: 20,
      // Volumes are vdb, vdc, … in containers too; their driver sends no event when one is gone, so look after a second.
      ...(virt === "lxc" && { disk_prefix: "vd", device_detach_timeout: 1 }),
    },
    service_user: { send_service_user_token: true, ...client("nova") },
    neutron: { ...client("neutron"), service_metadata_proxy: true, metadata_proxy_shared_secret: secret("metadata") },
    placement: client("placement"),
    keystone_authtoken: authtoken("nova"),
  });

  /** @param {{name: string, home: string}} host */
  const neutron = ({ name, home }) => ini({
    DEFAULT: {
      host: name, state_path: home, bind_host: gateway, bind_port: ports.network, api_workers: 1, rpc_workers: 1, rpc_state_report_workers: 0,
      api_paste_config: "/etc/neutron/api-paste.ini", auth_strategy: "keystone", core_plugin: "ml2", service_plugins: "router", transport_url: messages,
      dhcp_agents_per_network: 1, dns_domain: "lab.", notify_nova_on_port_status_changes: true, notify_nova_on_port_data_changes: true,
      interface_driver: "linuxbridge", global_physnet_mtu: 1500, max_allowed_address_pair: 50,
    },
    oslo_policy: { policy_file: `${settings.config}/neutron/policy.yaml` },
    database: database("neutron"),
    oslo_concurrency: { lock_path: `${home}/lock` },
    agent: { root_helper: "env" }, // they run as root already
    experimental: { linuxbridge: true },
    nova: client("nova"),
    placement: client("placement"),
    keystone_authtoken: authtoken("neutron"),
  });

  /** @param {{address: string}} host */
  const ml2 = ({ address }) => ini({
    ml2: { type_drivers: "flat,vxlan,local", tenant_network_types: "vxlan", mechanism_drivers: "linuxbridge", extension_drivers: "port_security" },
    ml2_type_flat: { flat_networks: "provider" },
    ml2_type_vxlan: { vni_ranges: "1000:1999" },
    // The interface, not the bridge: nova plugs instances into neutron's own bridge for the network.
    linux_bridge: { physical_interface_mappings: `provider:${settings.prefix}-phys` },
    vxlan: { enable_vxlan: true, local_ip: address, vxlan_group: "239.77.0.1" },
    securitygroup: { enable_security_group: true, firewall_driver: "iptables", enable_ipset: true },
    agent: { polling_interval: 1 },
  });

  return { keystone, glance, placement, cinder, nova, neutron, ml2, files: fixedFiles(settings, secret) };
}

/** The files that are the same for every host: path below `settings.config` → text. */
function fixedFiles(settings, secret) {
  const { gateway, ports, state, records } = settings;
  return {
    "neutron/dhcp_agent.ini": ini({
      DEFAULT: { interface_driver: "linuxbridge", dhcp_driver: "neutron.agent.linux.dhcp.Dnsmasq", enable_isolated_metadata: true, force_metadata: true, dhcp_broadcast_reply: false, resync_interval: 10 },
    }),
    "neutron/metadata_agent.ini": ini({
      DEFAULT: { nova_metadata_host: loopback, nova_metadata_port: ports.metadata, metadata_proxy_shared_secret: secret("metadata"), metadata_workers: 0 },
    }),
    "neutron/l3_agent.ini": ini({ DEFAULT: { interface_driver: "linuxbridge", agent_mode: "legacy", enable_metadata_proxy: false } }),
    // By default only a network's owner chooses addresses on it; hosts of a site have declared ones.
    "neutron/policy.yaml": ["create", "update"].map((verb) => `"${verb}_port:fixed_ips:ip_address": "rule:context_is_advsvc or rule:network_owner or rule:admin_only or rule:shared"\n`).join(""),
    "my.cnf": ini({
      client: { socket: `${records}/mysql/mysql.sock`, user: "root" },
      mariadbd: {
        datadir: `${state}/mysql`, socket: `${records}/mysql/mysql.sock`, "pid-file": `${records}/mysql/mysql.pid`, "bind-address": loopback, port: ports.database,
        "character-set-server": "utf8", "collation-server": "utf8_general_ci", max_connections: 400, performance_schema: "off", "skip-log-bin": 1, "skip-name-resolve": 1,
        // A lab: durability traded for speed.
        innodb_buffer_pool_size: "128M", innodb_log_file_size: "32M", innodb_flush_log_at_trx_commit: 0, innodb_doublewrite: 0,
      },
    }),
    "rabbitmq.conf": [
      `listeners.tcp.default = ${gateway}:${ports.messages}`, "default_user = lab", `default_pass = ${secret("messages")}`,
      "vm_memory_high_watermark.absolute = 512MiB", "disk_free_limit.absolute = 100MB", "log.console = true", "log.console.level = warning", "log.file = false", "",
    ].join("\n"),
    "rabbitmq-plugins": "[].\n",
  };
}

/** libvirt's own configuration for one compute host. */
export const libvirtdConfig = (socketDir) =>
  [`unix_sock_dir = "${socketDir}"`, 'unix_sock_group = "root"', 'unix_sock_rw_perms = "0700"', 'auth_unix_rw = "none"', 'auth_unix_ro = "none"', 'log_outputs = "3:stderr"', ""].join("\n");

/** For virtual machines without virtlogd and without a security driver: none of that runs here. */
export const qemuConfig = [
  'user = "root"', 'group = "root"', "dynamic_ownership = 0", "remember_owner = 0", 'security_driver = "none"', "namespaces = [ ]", "cgroup_controllers = [ ]", 'stdio_handler = "file"', "",
].join("\n");

/** clouds.yaml: a user for each project, and the administrator. */
export function cloudsYaml(settings, secret) {
  const cloud = (name, username, project, password) => [
    `  ${name}:`, `    region_name: ${settings.region}`, "    auth:", `      auth_url: ${endpoints(settings).identity}`, `      username: ${username}`,
    `      password: ${password}`, `      project_name: ${project}`, "      user_domain_name: Default", "      project_domain_name: Default",
  ].join("\n");
  const all = [...settings.projects.map((name) => cloud(name, name, name, secret(`user-${name}`))), cloud(settings.adminCloud, "admin", "admin", secret("admin"))];
  return `clouds:\n${all.join("\n")}\n`;
}
