#!/bin/bash
# Power supply and firmware of one host: supervise.sh HOST-DIRECTORY. Started in the background by
# hosts.mjs; mounts the host's disk, boots it, boots it again when it asks for a reboot, and ends when it
# is off. Needs no systemd on the outer machine.
set -euo pipefail
h=$1 name=$(basename "$1")
# A mount namespace of our own: whatever is mounted here is gone with the last process.
if [ "${LAB_NAMESPACE_OF:-}" != "$h" ]; then
  LAB_NAMESPACE_OF=$h exec unshare --mount --propagation private -- "$0" "$h"
fi
# A cgroup of our own in every hierarchy: nspawn --keep-unit stays in the one it is started in. In v1 a
# cpuset refuses processes until its cpus and mems are set.
while read -r root; do
  for d in "$root/$LAB_BRIDGE" "$root/$LAB_BRIDGE/$name"; do
    mkdir -p "$d" || continue 2
    if [ -f "$d/cpuset.mems" ] && [ -z "$(cat "$d/cpuset.mems")" ]; then
      cat "$root/cpuset.cpus" >"$d/cpuset.cpus"
      cat "$root/cpuset.mems" >"$d/cpuset.mems"
    fi
  done
  echo $$ >"$root/$LAB_BRIDGE/$name/cgroup.procs" || true
done < <(awk '$3 ~ /^cgroup2?$/ && $2 ~ "^/sys/fs/cgroup" {print $2}' /proc/mounts | sort -u)
# nspawn's scratch directory: where /run is on the disk it complains and leaves litter.
mkdir -p /run/systemd/nspawn
mount -t tmpfs tmpfs /run/systemd/nspawn
# The disk: an overlay over the shared tree; its own layer may be on a small file system of its own.
disk=$h
if [ -f "$h/disk.img" ]; then
  mkdir -p "$h/disk"
  mount -o loop "$h/disk.img" "$h/disk"
  disk=$h/disk
fi
mkdir -p "$disk"/{upper,work,data} "$h/root"
# index and metacopy have defaults that differ between kernels; a base tree moved meanwhile is no matter.
mount -t overlay overlay -o "lowerdir=$(readlink -f "$h/base"),upperdir=$disk/upper,workdir=$disk/work,index=off" "$h/root"
# An overlay's upper layer cannot be on an overlay: what container engines and Mesos write is beside it.
binds=()
for d in docker containers mesos; do
  mkdir -p "$disk/data/$d"
  binds+=("--bind=$disk/data/$d:/var/lib/$d")
done
[ -c /dev/fuse ] && binds+=(--bind=/dev/fuse)
while :; do
  echo "$(date +%T) $name: power on"
  rc=0
  # No tty, no machined. The system calls are what container engines need beyond nspawn's list.
  systemd-nspawn -q --boot --directory="$h/root" --machine="$LAB_MACHINE" --hostname="$name" \
    --network-bridge="$LAB_BRIDGE" --register=no --keep-unit --link-journal=no --resolv-conf=off --timezone=off \
    --console=pipe --system-call-filter='add_key keyctl bpf' "${binds[@]}" </dev/null || rc=$?
  echo "$(date +%T) $name: off, status $rc"
  [ "$rc" = 133 ] || break # so nspawn says "it wants a reboot" under --keep-unit
done
