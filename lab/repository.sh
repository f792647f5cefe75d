#!/bin/bash
# Fetches what the hosts may install: repository.sh fetch BASE DIRECTORY
# and makes it an apt repository:        repository.sh index DIRECTORY
# Dependencies are resolved against the base tree's list of packages with this machine's apt, so no
# chroot and no mount is needed and this machine's own packages are not touched.
. "$(dirname "$0")/sources.sh"
fetch() {
  local base=$1 to=$2
  [ ! -e "$to" ] || return 0
  rm -rf "$to.part"
  mkdir -p "$to.part/partial"
  work=$(mktemp -d "$LAB_DIR/apt.XXXXXX")
  trap 'rm -rf "$work"' EXIT # at the script's end, when a local name would be gone
  mkdir -p "$work"/{lists/partial,cache,empty}
  mirror_lines >"$work/sources.list"
  local options=(-q -y -o "Dir::State::status=$base/var/lib/dpkg/status" -o "Dir::State=$work" -o "Dir::State::Lists=$work/lists"
    -o "Dir::State::extended_states=$work/extended_states"
    -o "Dir::Cache=$work/cache" -o "Dir::Cache::archives=$to.part" -o "Dir::Etc::sourcelist=$work/sources.list"
    -o "Dir::Etc::sourceparts=$work/empty" -o "Dir::Etc::preferencesparts=$work/empty" -o APT::Sandbox::User=root
    -o Acquire::Check-Valid-Until=false -o Acquire::Check-Date=false -o Acquire::Languages=none
    -o APT::Install-Recommends=false -o Debug::NoLocking=true)
  apt-get "${options[@]}" update
  # One at a time, each against the bare base: the set need not be installable together.
  for package in $LAB_REPOSITORY_PACKAGES; do
    apt-get "${options[@]}" --download-only install "$package" </dev/null
  done
  rm -rf "$to.part/partial" "$to.part/lock"
  mv "$to.part" "$to"
}
index() { # what dpkg-scanpackages would write, without dpkg-dev
  cd "$1"
  for deb in *.deb; do
    dpkg-deb -f "$deb"
    printf 'Filename: ./%s\nSize: %s\nSHA256: %s\n\n' "$deb" "$(stat -c %s "$deb")" "$(sha256sum "$deb" | cut -d' ' -f1)"
  done >Packages.new
  mv Packages.new Packages
  gzip -9kf Packages
}
"$@"
