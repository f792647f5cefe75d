package: top
version: "1"
requires:
  - greeting
---
#!/bin/sh
mkdir -p "$INSTALLROOT/share"
sed 's/$/, twice/' "$GREETING_ROOT/share/greeting.txt" >"$INSTALLROOT/share/top.txt"
