#!/bin/bash
# Makes the Debian tree that all hosts have as their lower, read-only layer: base.sh DIRECTORY
. "$(dirname "$0")/sources.sh"
to=$1
[ ! -e "$to" ] || exit 0
rm -rf "$to.part"
mkdir -p "$(dirname "$to")"
mapfile -t sources < <(mirror_lines)
[ ${#sources[@]} -gt 0 ]
proxy=$(apt-config dump Acquire::http::Proxy | sed -n 's/.*"\(.*\)";/\1/p')
# - Without locales and documents, and without waiting for the disk, this takes half the time; but the
#   empty man directories must be there, or openjdk's postinst cannot make its links. (mmdebstrap runs
#   hooks in dash: no {1..8}.)
# - A clock ahead of the archive makes Release files "expired".
# - An empty lists directory of today makes Ansible's cache_valid_time skip the first apt update.
mmdebstrap --variant=minbase --mode=root \
  --aptopt='Acquire::Check-Valid-Until "false"' --aptopt='Acquire::Check-Date "false"' \
  --aptopt='APT::Install-Recommends "false"' ${proxy:+--aptopt="Acquire::http::Proxy \"$proxy\""} \
  --dpkgopt=force-unsafe-io --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
  --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
  --include="${LAB_BASE_PACKAGES// /,}" \
  --essential-hook='for i in 1 2 3 4 5 6 7 8; do mkdir -p "$1/usr/share/man/man$i"; done' \
  --customize-hook='systemctl --root="$1" -q enable systemd-networkd.service ssh.service' \
  --customize-hook='systemctl --root="$1" -q mask systemd-resolved.service apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer fstrim.timer console-getty.service getty@tty1.service' \
  --customize-hook='rm -f "$1"/etc/ssh/ssh_host_* "$1"/etc/machine-id "$1"/etc/hostname "$1"/etc/resolv.conf' \
  --customize-hook=': >"$1"/etc/machine-id; : >"$1"/etc/resolv.conf' \
  --customize-hook='rm -rf "$1"/var/lib/apt/lists/* "$1"/var/lib/apt/periodic/update-*stamp; touch -d @0 "$1/var/lib/apt/lists"' \
  "$LAB_SUITE" "$to.part" "${sources[@]}"
mv "$to.part" "$to"
