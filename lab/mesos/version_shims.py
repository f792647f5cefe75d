#!/usr/bin/env python3
"""Build stand-ins for the shared libraries an old object was linked against.

usage: version_shims.py OBJECT OUTDIR LIBNAME=TARGET...

OBJECT (a 64-bit ELF shared object) wants, say, libcurl.so.4 to define
curl_easy_init in version CURL_OPENSSL_3.  For every LIBNAME this compiles
OUTDIR/LIBNAME, which defines exactly the symbols OBJECT takes from that
library, in the versions it asks for, as jumps into TARGET.  TARGET (a path,
relative to OUTDIR if not absolute, or a plain soname to be searched for after
a "+") is loaded at the first call of any of them, privately (RTLD_LOCAL,
RTLD_DEEPBIND), so two generations of OpenSSL can live in one process without
catching each other's symbols.  Functions only; gcc is needed.
"""
import os
import struct
import subprocess
import sys

CODE = r'''
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char target[] = "@TARGET@";
static const char *const names[] = { @NAMES@ };
static void *handle;

static void load(void) {
  char path[4096];
  Dl_info here;
  const char *what = target;
  if (target[0] == '+') {
    what = target + 1;
  } else if (target[0] != '/' && dladdr(&load_marker, &here)) {
    const char *slash = strrchr(here.dli_fname, '/');
    snprintf(path, sizeof path, "%.*s/%s",
             slash ? (int)(slash - here.dli_fname) : 1,
             slash ? here.dli_fname : ".", target);
    what = path;
  }
  void *h = dlopen(what, RTLD_LAZY | RTLD_LOCAL | RTLD_DEEPBIND);
  if (!h) {
    fprintf(stderr, "shim: %s\n", dlerror());
    abort();
  }
  __atomic_store_n(&handle, h, __ATOMIC_RELEASE);
}

__attribute__((visibility("hidden"), used))
void *shim_resolve(unsigned long i) {
  if (!__atomic_load_n(&handle, __ATOMIC_ACQUIRE)) load();
  void *f = dlsym(handle, names[i]);
  if (!f) {
    fprintf(stderr, "shim: %s has no %s\n", target, names[i]);
    abort();
  }
  __atomic_store_n(&shim_table[i], f, __ATOMIC_RELEASE);
  return f;
}

__asm__(
  ".text\n"
  "shim_common:\n"            /* the index is on the stack; keep all arguments */
  "  push %rax\n  push %rdi\n  push %rsi\n  push %rdx\n  push %rcx\n"
  "  push %r8\n  push %r9\n  push %r10\n"
  "  sub $128, %rsp\n"
  "  movups %xmm0, (%rsp)\n   movups %xmm1, 16(%rsp)\n"
  "  movups %xmm2, 32(%rsp)\n movups %xmm3, 48(%rsp)\n"
  "  movups %xmm4, 64(%rsp)\n movups %xmm5, 80(%rsp)\n"
  "  movups %xmm6, 96(%rsp)\n movups %xmm7, 112(%rsp)\n"
  "  mov 192(%rsp), %rdi\n"
  "  call shim_resolve\n"
  "  mov %rax, %r11\n"
  "  movups (%rsp), %xmm0\n   movups 16(%rsp), %xmm1\n"
  "  movups 32(%rsp), %xmm2\n movups 48(%rsp), %xmm3\n"
  "  movups 64(%rsp), %xmm4\n movups 80(%rsp), %xmm5\n"
  "  movups 96(%rsp), %xmm6\n movups 112(%rsp), %xmm7\n"
  "  add $128, %rsp\n"
  "  pop %r10\n  pop %r9\n  pop %r8\n  pop %rcx\n  pop %rdx\n  pop %rsi\n"
  "  pop %rdi\n  pop %rax\n"
  "  add $8, %rsp\n"
  "  jmp *%r11\n"
);
'''


def wanted(path):
    """{library: {version: [symbol]}} of what an object demands by version."""
    data = open(path, "rb").read()
    if data[:6] != b"\x7fELF\x02\x01":
        sys.exit("not a 64-bit little-endian ELF file")
    shoff, = struct.unpack_from("<Q", data, 40)
    shentsize, shnum = struct.unpack_from("<HH", data, 58)
    sections = [struct.unpack_from("<IIQQQQII", data, shoff + i * shentsize)
                for i in range(shnum)]
    by_type = {s[1]: s for s in sections}
    dynsym, versym, need = (by_type[11], by_type[0x6fffffff],
                            by_type[0x6ffffffe])
    strtab = sections[dynsym[6]][4]

    def string(off):
        return data[strtab + off:data.index(b"\0", strtab + off)].decode()
    ids, pos = {}, need[4]
    while True:
        _v, _cnt, lib, aux, following = struct.unpack_from("<HHIII", data, pos)
        a = pos + aux
        while True:
            _h, _f, other, name, step = struct.unpack_from("<IHHII", data, a)
            ids[other] = (string(lib), string(name))
            if not step:
                break
            a += step
        if not following:
            break
        pos += following
    found = {}
    for i in range(dynsym[5] // 24):
        v, = struct.unpack_from("<H", data, versym[4] + 2 * i)
        if v & 0x7fff in ids:
            lib, version = ids[v & 0x7fff]
            name, = struct.unpack_from("<I", data, dynsym[4] + 24 * i)
            found.setdefault(lib, {}).setdefault(version, []).append(string(name))
    return found


def main(obj, outdir, pairs):
    found = wanted(obj)
    for pair in pairs:
        lib, target = pair.split("=", 1)
        versions = found[lib]
        names = [n for v in sorted(versions) for n in sorted(versions[v])]
        stem = os.path.join(outdir, lib)
        with open(stem + ".map", "w") as f:
            before = ""
            for v in sorted(versions):
                f.write("%s {\n  global: %s;\n%s} %s;\n" % (
                    v, "; ".join(sorted(versions[v])),
                    "" if before else "  local: *;\n", before))
                before = v
        with open(stem + ".c", "w") as f:
            f.write("extern void *shim_table[%d];\n"
                    "static char load_marker;\n" % len(names))
            f.write(CODE.replace("@TARGET@", target).replace(
                "@NAMES@", ", ".join('"%s"' % n for n in names)))
            for i, n in enumerate(names):
                f.write('__asm__(".text\\n.globl %s\\n.type %s, @function\\n%s:'
                        ' jmp *shim_table+%d(%%rip)\\n'
                        'shim_first_%d: push $%d\\n jmp shim_common\\n");\n'
                        % (n, n, n, 8 * i, i, i))
            f.write('__asm__(".data\\n.balign 8\\n.globl shim_table\\n'
                    '.hidden shim_table\\nshim_table:\\n%s");\n' % "".join(
                        ".quad shim_first_%d\\n" % i for i in range(len(names))))
        subprocess.run(["gcc", "-O1", "-fPIC", "-shared", "-o", stem,
                        stem + ".c", "-Wl,--version-script," + stem + ".map",
                        "-Wl,-soname," + lib, "-ldl"], check=True)
        os.unlink(stem + ".c")
        os.unlink(stem + ".map")
        print("%s: %d functions in %s -> %s" % (
            lib, len(names), ", ".join(sorted(versions)), target))


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
