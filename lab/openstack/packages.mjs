// The Debian packages of the control plane and of what its compute hosts run.
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { ensurePackages, missing } from "../../toolchain/debian.mjs";

/** Looked for by a file of each, so that it is seen in no time whether something is missing. */
export const cloudPackages = [
  { command: "mariadbd", package: "mariadb-server" },
  { command: "rabbitmq-server", package: "rabbitmq-server" },
  { command: "memcached", package: "memcached" },
  { command: "keystone-manage", package: "keystone" },
  { command: "glance-api", package: "glance-api" },
  { command: "placement-api", package: "placement-api" },
  { command: "nova-api", package: "nova-api" },
  { command: "nova-conductor", package: "nova-conductor" },
  { command: "nova-scheduler", package: "nova-scheduler" },
  { command: "nova-compute", package: "nova-compute" },
  { file: "/etc/nova/nova-compute.conf", package: "nova-compute-kvm" },
  { command: "neutron-server", package: "neutron-server" },
  { command: "neutron-linuxbridge-agent", package: "neutron-linuxbridge-agent" },
  { command: "neutron-dhcp-agent", package: "neutron-dhcp-agent" },
  { command: "neutron-l3-agent", package: "neutron-l3-agent" },
  { command: "neutron-metadata-agent", package: "neutron-metadata-agent" },
  { command: "haproxy", package: "haproxy" },
  { command: "cinder-wsgi", package: "cinder-api" },
  { command: "cinder-scheduler", package: "cinder-scheduler" },
  { command: "cinder-volume", package: "cinder-volume" },
  { file: "/usr/lib/python3/dist-packages/openstack/connection.py", package: "python3-openstacksdk" },
  { file: "/usr/lib/uwsgi/plugins/python3_plugin.so", package: "uwsgi-plugin-python3" },
  { command: "libvirtd", package: "libvirt-daemon-system" },
  { command: "virsh", package: "libvirt-clients" },
  { file: "/usr/lib/x86_64-linux-gnu/libvirt/connection-driver/libvirt_driver_lxc.so", package: "libvirt-daemon-driver-lxc" },
  { file: "/usr/lib/x86_64-linux-gnu/libvirt/connection-driver/libvirt_driver_qemu.so", package: "libvirt-daemon-driver-qemu" },
  { command: "qemu-system-x86_64", package: "qemu-system-x86" },
  { command: "qemu-img", package: "qemu-utils" },
  { command: "genisoimage", package: "genisoimage" },
  { command: "dnsmasq", package: "dnsmasq-base" },
  { command: "iptables", package: "iptables" },
  { command: "ebtables", package: "ebtables" },
  { command: "ipset", package: "ipset" },
  { command: "conntrack", package: "conntrack" },
  { command: "arping", package: "iputils-arping" },
  { command: "sudo", package: "sudo" },
  { command: "ps", package: "procps" },
];

/** Installs what is missing, and sees to it that none of the services starts by itself: the lab runs its own. */
export async function ensureCloudPackages({ log } = {}) {
  if (missing(cloudPackages).length === 0) return;
  const policy = "/usr/sbin/policy-rc.d";
  const made = !existsSync(policy);
  if (made) writeFileSync(policy, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  try {
    await ensurePackages(cloudPackages, { log });
  } finally {
    if (made) rmSync(policy, { force: true });
  }
}
