package: greeting
version: "%(tag_basename)s"
tag: v1.0
source: file:///srv/e2e-upstream/greeting
---
#!/bin/sh
mkdir -p "$INSTALLROOT/share"
cp "$SOURCEDIR/greeting.txt" "$INSTALLROOT/share/"
