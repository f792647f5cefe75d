#!/bin/bash
# The namespaces of one compute host: compute-host.sh NAME STATE READY-FILE machine|own
# Started in namespaces of its own (mount, UTS, and network unless it has the machine's); holds them open.
set -euo pipefail
name=$1 state=$2 ready=$3 network=$4
hostname "$name"
# libvirt and sudo ask for the host's own name again and again; without an answer each question takes ten seconds.
printf '127.0.0.1 localhost %s\n' "$name" >"$state/hosts"
mount --bind "$state/hosts" /etc/hosts
if [ "$network" = own ]; then
  ip link set lo up
  # /sys shows the network devices of the namespace it was mounted in: mount it anew, and put the cgroups back.
  mkdir -p "$state/cgroup"
  mount --rbind /sys/fs/cgroup "$state/cgroup"
  mount -t sysfs sysfs /sys
  mount --rbind "$state/cgroup" /sys/fs/cgroup
  umount -R "$state/cgroup" || umount -l "$state/cgroup"
fi
# libvirt's LXC driver fails where cgroup v1 is in use and an empty v2 hierarchy is mounted beside it.
if [ -d /sys/fs/cgroup/memory ] && mountpoint -q /sys/fs/cgroup/unified; then umount /sys/fs/cgroup/unified; fi
# Fixed paths in libvirt, and one libvirt for each host.
mkdir -p /run/libvirt /var/lib/libvirt /var/log/libvirt "$state"/libvirt/{etc,run,lib,log}
mount --bind "$state/libvirt/etc" /etc/libvirt
mount --bind "$state/libvirt/run" /run/libvirt
mount --bind "$state/libvirt/lib" /var/lib/libvirt
mount --bind "$state/libvirt/log" /var/log/libvirt
touch "$ready"
exec sleep infinity
