#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Makes symfs.tar.zst for a golden recording, on the machine that recorded it: of
# each file that was mapped only the symbols that the recording needs, with the
# code zeroed; of /proc/kallsyms only those lines. Needs perf, objcopy,
# eu-unstrip (package elfutils), zstd. Paths in the recording must be neutral.
#
#   tests/golden/make-symfs.py PERF_DATA symfs.tar.zst

import collections
import os
import struct
import subprocess
import sys
import tempfile

DEBUG_FILES = "/usr/lib/debug/.build-id"
SHT_NOTE, SHT_NOBITS, SHF_ALLOC = 7, 8, 2


def names_by_file(recording):
    """The functions that perf sees in each file."""
    output = subprocess.run(["perf", "script", "-F", "ip,sym,dso", "-i", recording], check=True, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    names = collections.defaultdict(set)
    for line in output.splitlines():
        words = line.split(maxsplit=1)
        if len(words) != 2 or not words[1].endswith(")"):
            continue
        name, _, path = words[1].rpartition(" (")
        names[path[:-1]].add(name.strip())
    return names


def build_id(path):
    notes = subprocess.run(["eu-readelf", "-n", path], check=True, text=True, stdout=subprocess.PIPE).stdout
    return next(line.split()[-1] for line in notes.splitlines() if "Build ID" in line)


def zero_code(path):
    """Whatever is needed to run it; the build-id and the symbols are not."""
    data = bytearray(open(path, "rb").read())
    offset, = struct.unpack_from("<Q", data, 40)
    size, count = struct.unpack_from("<HH", data, 58)
    for i in range(count):
        _, kind, flags, _, at, length = struct.unpack_from("<IIQQQQ", data, offset + i * size)
        if flags & SHF_ALLOC and kind not in (SHT_NOTE, SHT_NOBITS):
            data[at:at + length] = bytes(length)
    open(path, "wb").write(data)


def keep_symbols(path, names, target):
    os.makedirs(os.path.dirname(target), exist_ok=True)
    identity = build_id(path)
    debug = f"{DEBUG_FILES}/{identity[:2]}/{identity[2:]}.debug"
    source = target
    if os.path.exists(debug):
        subprocess.run(["eu-unstrip", "-o", target, path, debug], check=True)
    else:
        source = path
    with tempfile.NamedTemporaryFile("w") as listed:
        listed.write("\n".join(sorted(names)) + "\n")
        listed.flush()
        subprocess.run(["objcopy", "--strip-all", f"--keep-symbols={listed.name}", source, target + ".new"], check=True)
    os.replace(target + ".new", target)
    zero_code(target)


def keep_kallsyms(names, target):
    """Each symbol that is needed and the one behind it, which ends it."""
    lines = [line for line in open("/proc/kallsyms") if "\t" not in line]
    lines.sort(key=lambda line: int(line.split()[0], 16))
    kept, ends = [], None
    for line in lines:
        address, _, name = line.split()
        if name in names or name in ("_text", "_stext", "_etext"):
            kept.append(line)
            ends = address
        elif ends is not None:
            kept.append(line)
            if address != ends:
                ends = None
    open(target, "w").writelines(kept)


def main():
    recording, packed = sys.argv[1:]
    with tempfile.TemporaryDirectory() as work:
        for path, names in names_by_file(recording).items():
            if path.startswith("[kernel"):
                keep_kallsyms(names, f"{work}/kallsyms")
            elif path.startswith("/") and os.path.isfile(path) and not path.startswith("/tmp/perf-"):
                keep_symbols(path, names, work + path)
        subprocess.run(["tar", "--zstd", "--sort=name", "--owner=0", "--group=0", "--mtime=@0", "-cf",
                        os.path.abspath(packed), "-C", work, "."], check=True, env={**os.environ, "ZSTD_CLEVEL": "19"})


if __name__ == "__main__":
    main()
