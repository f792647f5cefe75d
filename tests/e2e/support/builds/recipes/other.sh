package: other
version: "1"
requires:
  - greeting
---
#!/bin/sh
mkdir -p "$INSTALLROOT/share"
echo other >"$INSTALLROOT/share/other.txt"
