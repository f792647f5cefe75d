package: long
version: "1"
requires:
  - greeting
---
#!/bin/sh
mkdir -p "$INSTALLROOT/share"
sleep 20
echo long >"$INSTALLROOT/share/long.txt"
