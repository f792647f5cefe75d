#!/bin/bash
# Makes the guests' disks from the lab's Debian tree: image.sh BASE PACKAGES DIRECTORY
# PACKAGES: a directory of .deb files, a closed set above BASE. Writes DIRECTORY/generation-N.qcow2 (ext4 on the bare
# disk: no partition table, no boot loader, so no loop device is needed) and, when a kernel is among the packages,
# kernel and initrd to boot it with.
set -euo pipefail
base=$1 packages=$2 to=$3
here=$(dirname "$(readlink -f "$0")")
rm -rf "$to.part"
mkdir -p "$to.part"
root=$to.part/root
cp -a --reflink=auto "$base" "$root"
# Before the kernel's package is configured: an initrd with nothing but what a virtio guest needs.
mkdir -p "$root/etc/initramfs-tools/conf.d"
printf 'MODULES=list\nCOMPRESS=zstd\nFSTYPE=ext4\n' >"$root/etc/initramfs-tools/conf.d/lab"
printf '%s\n' virtio_pci virtio_blk virtio_scsi sd_mod virtio_net ext4 >"$root/etc/initramfs-tools/modules"
mkdir "$root/.packages"
cp --reflink=auto "$packages"/*.deb "$root/.packages/"
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
# In a mount and process namespace: nothing that a package's script mounts or starts outlives it.
unshare --mount --pid --fork --kill-child -- bash -euc '
  mount -t proc proc "$1/proc"; mount -t devtmpfs dev "$1/dev" 2>/dev/null || mount --rbind /dev "$1/dev"
  export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
  chroot "$1" sh -ec "dpkg --force-unsafe-io --unpack /.packages/*.deb; dpkg --force-unsafe-io --configure -a"
' _ "$root"
rm -rf "$root/.packages" "$root/usr/sbin/policy-rc.d"
# What makes an instance of it.
install -D -m 644 "$here/guest/90-lab.cfg" "$root/etc/cloud/cloud.cfg.d/90-lab.cfg"
printf 'datasource: ConfigDrive, OpenStack, None\npolicy: enabled\n' >"$root/etc/cloud/ds-identify.cfg"
for unit in lab-disks.service lab-disks.path lab-meminfo.service; do install -m 644 "$here/guest/$unit" "$root/etc/systemd/system/$unit"; done
install -m 644 "$here/../host-files/lab-cgroups.service" "$root/etc/systemd/system/lab-cgroups.service"
install -D -m 755 "$here/guest/lab-disks" "$root/usr/local/sbin/lab-disks"
install -m 755 "$here/../host-files/lab-cgroups" "$root/usr/local/sbin/lab-cgroups"
install -m 755 "$here/guest/lab-init" "$root/usr/local/sbin/lab-init"
ln -sfn /usr/local/sbin/lab-init "$root/usr/sbin/init"
mkdir -p "$root/etc/systemd/system/lab-cgroups.service.d" "$root/etc/systemd/system/systemd-networkd-wait-online.service.d"
printf '[Unit]\nConditionVirtualization=container\n' >"$root/etc/systemd/system/lab-cgroups.service.d/guest.conf"
# Never hold the boot for more than 30 s for a network that does not come.
printf '[Service]\nExecStart=\nExecStart=/lib/systemd/systemd-networkd-wait-online --any --timeout=30\n' \
  >"$root/etc/systemd/system/systemd-networkd-wait-online.service.d/lab.conf"
# The MTU that the network's DHCP tells (1450 within VXLAN): cloud-init's file for networkd does not ask for it, and a container's
# interface, unlike a virtio one, does not have it from its host. Without, answers of 1451 to 1500 bytes are lost between two guests.
for interface in eth0 eth1; do
  install -d "$root/etc/systemd/network/10-cloud-init-$interface.network.d"
  printf '[DHCPv4]\nUseMTU=yes\n' >"$root/etc/systemd/network/10-cloud-init-$interface.network.d/mtu.conf"
done
systemctl() { command systemctl --root="$root" -q "$@"; }
systemctl unmask systemd-resolved.service
systemctl enable systemd-networkd.service systemd-resolved.service ssh.service lab-disks.path lab-meminfo.service
ln -sfn ../run/systemd/resolve/stub-resolv.conf "$root/etc/resolv.conf"
mkdir -p "$root/etc/systemd/system/sysinit.target.wants"
for unit in lab-cgroups lab-disks; do ln -sfn "../$unit.service" "$root/etc/systemd/system/sysinit.target.wants/$unit.service"; done
# Packages come from the lab, as for its bare-metal hosts.
echo "deb [trusted=yes] $LAB_PACKAGES_URL ./" >"$root/etc/apt/sources.list"
printf 'APT::Install-Recommends "false";\nAcquire::Languages "none";\n' >"$root/etc/apt/apt.conf.d/90lab"
echo force-unsafe-io >"$root/etc/dpkg/dpkg.cfg.d/90lab"
printf 'UseDNS no\nPasswordAuthentication no\n' >"$root/etc/ssh/sshd_config.d/10-lab.conf"
printf '127.0.0.1 localhost\n' >"$root/etc/hosts"
echo debian >"$root/etc/hostname"
: >"$root/etc/machine-id"
rm -f "$root"/etc/ssh/ssh_host_*_key* "$root"/var/lib/dbus/machine-id
kernel=$(ls "$root/boot" 2>/dev/null | sed -n 's/^vmlinuz-//p' | head -n 1)
if [ -n "$kernel" ]; then
  printf '/dev/vda / ext4 errors=remount-ro,noatime 0 1\n' >"$root/etc/fstab"
  mv "$root/boot/vmlinuz-$kernel" "$to.part/vmlinuz"
  mv "$root/boot/initrd.img-$kernel" "$to.part/initrd"
  systemctl enable serial-getty@ttyS0.service
fi
for generation in $LAB_GENERATIONS; do
  echo "disk of generation $generation"
  echo "$generation" >"$root/etc/image-generation"
  printf 'Debian GNU/Linux 12, image generation %s \\n \\l\n' "$generation" >"$root/etc/issue"
  truncate -s 2G "$to.part/disk.raw"
  mke2fs -q -t ext4 -L cloudimg-rootfs -E lazy_itable_init=1,lazy_journal_init=1 -d "$root" "$to.part/disk.raw"
  qemu-img convert -f raw -O qcow2 "$to.part/disk.raw" "$to.part/generation-$generation.qcow2"
  rm "$to.part/disk.raw"
done
rm -rf "$root"
mv "$to.part" "$to"
