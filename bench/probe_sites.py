#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What idle probes are made of: counts the instructions of the objects that sdt-probes.patch changes, in a QEMU without it
# and in one with it, and looks at each site. Prints a table for docs/benchmarks.md. It runs no QEMU.
#
#   bench/probe_sites.py

import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "scripts"))
from colo_pair import build_qemu  # pylint: disable=wrong-import-position

OBJECTS = {"colo.c": "libcommon.fa.p/migration_colo.c.o", "qemu-file.c": "libmigration.fa.p/migration_qemu-file.c.o",
           "ram.c": "libqemu-x86_64-softmmu.fa.p/migration_ram.c.o"}


def run(*command):
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout


def instructions(file, *options):
    """[(address, text)] of all code of a file, without what the compiler puts between functions."""
    found, padding = [], re.compile(r"^(nopw|nopl|xchg +%ax,%ax|data16|cs nopw)")
    for line in run("objdump", "-d", "--no-show-raw-insn", *options, file).splitlines():
        match = re.match(r"^ *([0-9a-f]+):\t(.*)", line)
        if match and not padding.match(match[2]):
            found.append((int(match[1], 16), match[2].strip()))
    return found


def sites(binary):
    """[(name, address)] in the ELF notes of provider qemu."""
    notes = run("readelf", "-n", binary)
    return [(name, int(address, 16)) for name, address in
            re.findall(r"Provider: qemu\n +Name: (\S+)\n +Location: 0x([0-9a-f]+)", notes)]


def main():
    plain, probes = (pathlib.Path(build_qemu(variant)) for variant in ("plain", "probes"))
    found = sites(probes)
    nops = 0
    for _, address in found:
        line = instructions(probes, f"--start-address={address:#x}", f"--stop-address={address + 1:#x}")
        nops += [text for at, text in line if at == address] == ["nop"]
    print(f"{len(found)} sites of {len({name for name, _ in found})} probes, of which {nops} are one `nop` of 1 byte\n")
    print("| file | instructions without probes | with probes | more |")
    print("| --- | --- | --- | --- |")
    for name, path in OBJECTS.items():
        before, after = (len(instructions(qemu.parent / path)) for qemu in (plain, probes))
        print(f"| {name} | {before} | {after} | {after - before} |")
    return 0 if found and nops == len(found) else 1


if __name__ == "__main__":
    sys.exit(main())
