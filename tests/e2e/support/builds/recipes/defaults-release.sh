package: defaults-release
version: v1
---
