package: bad
version: "1"
requires:
  - greeting
---
#!/bin/sh
echo "bad.cc:7: error: expected ';'"
exit 1
