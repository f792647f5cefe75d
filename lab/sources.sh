# Sourced by base.sh and repository.sh: the Debian mirrors that this machine itself uses, as
# sources.list lines for the suite of the hosts.
set -euo pipefail
mirror_lines() {
  local lines keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  lines=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
    awk -v s="$LAB_SUITE" '($2 == s || $2 == s"-updates" || $2 == s"-security") && $3 == "main"' | sort -u)
  if [ -z "$lines" ]; then
    echo "apt on this machine knows no mirror of Debian $LAB_SUITE: add one to /etc/apt/sources.list.d" >&2
    return 1
  fi
  [ -f "$keyring" ] && keyring="[signed-by=$keyring] " || keyring=
  sed "s,^,deb $keyring," <<<"$lines"
}
