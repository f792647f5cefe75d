#!/bin/bash
# Makes a Debian package of Apache Mesos from the library inside PyPI's mesos-scheduler and this folder's
# own programs:  build.sh OUTPUT-DIRECTORY
#   VERSION  1.11.0 (default) or 1.10.0
#   PYTHON   a Python 3 with pip, whose configured index is asked for the two files
#   WORK     where downloads are kept (default: OUTPUT-DIRECTORY/work)
# The package holds programs only: configuration and units are the business of whoever installs it.
#
# Why so: the library was built for Ubuntu 16.04. psycopg2-binary 2.7.7 brings the OpenSSL 1.0.2 that it
# was linked against, and version_shims.py puts that and Debian's newer libcurl behind the library names
# and symbol versions it asks for, each in a scope of its own.
set -euo pipefail
src=$(cd "$(dirname "$0")" && pwd)
out=$(mkdir -p "$1" && cd "$1" && pwd)
version=${VERSION:-1.11.0} python=${PYTHON:-python3} work=${WORK:-$out/work}
case $version in
1.11.0) sum=4940ebb70894ee004cf8a12b7b66b52a351be1070ec2a4e6f7dae4ec04f8cb61 ;;
1.10.0) sum=99bce824f0abf2c8e22a5bc4107e2286592160386475b461b19f898de16edd2d ;;
*) echo "Mesos $version: this script has digests for 1.11.0 and 1.10.0 only" >&2; exit 2 ;;
esac
release=1~lab1 launcher=/usr/libexec/mesos
curl=/usr/lib/x86_64-linux-gnu/libcurl.so.4 # of the package libcurl4 on the host, loaded when first used
mkdir -p "$work"
tree=$work/tree-$version
home=$tree/usr/lib/mesos
rm -rf "$tree"
mkdir -p "$home/lib/openssl" "$tree/usr/sbin" "$tree$launcher" "$tree/DEBIAN"

echo "fetching the library and OpenSSL 1.0.2"
egg=$work/mesos-$version.egg wheel=$work/openssl.whl
"$python" "$src/fetch_from_index.py" mesos-scheduler "mesos.scheduler-$version-py2.7-linux-x86_64.egg" "$sum" "$egg"
"$python" "$src/fetch_from_index.py" psycopg2-binary psycopg2_binary-2.7.7-cp36-cp36m-manylinux1_x86_64.whl \
  e63850d8c52ba2b502662bf3c02603175c2397a9acc756090e444ce49508d41e "$wheel"

echo "unpacking"
library=$home/lib/libmesos-$version.so
"$python" "$src/unpack.py" "$egg" "$library" "$wheel" "$home/lib/openssl"
strip --strip-debug "$library"

echo "compiling"
"$python" "$src/version_shims.py" "$library" "$home/lib" "libcurl.so.4=$curl" \
  libssl.so.1.0.0=openssl/libssl.so libcrypto.so.1.0.0=openssl/libssl.so
minor=${version#1.}
gcc -O1 -c "$src/python_stubs.c" -o "$work/python_stubs.o"
# By -l: the library has no soname of its own, and its path here would be looked for on the host.
# DT_RPATH, not RUNPATH: the wheel's Kerberos libraries are found through the executable.
g++ -std=c++11 -O1 -Wall -DMESOS_MINOR="${minor%%.*}" -DMESOS_VERSION="\"$version\"" \
  -DMESOS_LAUNCHER_DIR="\"$launcher\"" "$src/mesos_host.cpp" "$work/python_stubs.o" \
  -o "$home/mesos-host" -L"$home/lib" "-l:libmesos-$version.so" -ldl -Wl,--allow-shlib-undefined \
  -Wl,--disable-new-dtags,-rpath,'$ORIGIN/lib:$ORIGIN/lib/openssl'
for name in mesos-master mesos-agent; do ln -s ../lib/mesos/mesos-host "$tree/usr/sbin/$name"; done
ln -s ../../lib/mesos/mesos-host "$tree$launcher/mesos-containerizer"
install -m 755 "$src/mesos-executor" "$src/mesos-fetcher" "$tree$launcher"
# A copy, no link: Mesos resolves links, and the executor goes by the name it is called by.
cp "$tree$launcher/mesos-executor" "$tree$launcher/mesos-default-executor"

echo "packing"
cat >"$tree/DEBIAN/control" <<EOF
Package: mesos
Version: $version-$release
Architecture: amd64
Maintainer: pulumi-mesos lab <root@localhost>
Installed-Size: $(du -sk --exclude=DEBIAN "$tree" | cut -f1)
Depends: libc6, libstdc++6, zlib1g, libsvn1, libapr1, libcurl4, libsasl2-2, libsasl2-modules, python3
Section: net
Priority: optional
Description: Apache Mesos master and agent, for the pulumi-mesos lab
 The library of Apache Mesos $version as published on PyPI, with small host
 programs around it. Without web interface, Docker support and JNI.
EOF
package=mesos_$version-${release}_amd64.deb
dpkg-deb -Zzstd -z3 --root-owner-group -b "$tree" "$out/$package.part" >/dev/null
mv "$out/$package.part" "$out/$package"
rm -rf "$tree"
echo "$out/$package"
