"""Take the library out of the egg, and OpenSSL with what it needs out of the wheel.

usage: unpack.py EGG LIBRARY WHEEL OPENSSL-DIRECTORY
"""
import os
import shutil
import sys
import zipfile

WANTED = ("libssl-", "libcrypto-", "libgssapi_krb5", "libkrb5", "libk5crypto", "libcom_err",
          "libkeyutils", "libselinux", "libsepol", "libz-")


def main(egg, library, wheel, directory):
    with zipfile.ZipFile(egg) as z, open(library, "wb") as out:
        shutil.copyfileobj(z.open("mesos/scheduler/_scheduler.so"), out, 1 << 20)
    with zipfile.ZipFile(wheel) as z:
        for name in z.namelist():
            leaf = os.path.basename(name)
            if ".libs/" not in name or not leaf.startswith(WANTED):
                continue
            with open(os.path.join(directory, leaf), "wb") as out:
                out.write(z.read(name))
            if leaf.startswith("libssl-"):
                os.symlink(leaf, os.path.join(directory, "libssl.so"))


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    main(*sys.argv[1:])
