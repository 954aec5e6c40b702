#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Compares the probes of a built QEMU with docs/probes.md: the ELF notes against the table.

Every probe of the table must be in the binary, with those arguments at each of
its sites, and no other probe may be. It runs readelf and prints TAP.

usage: check-probes.py QEMU [docs/probes.md]
"""

import re
import subprocess
import sys

# What sys/sdt.h writes for an argument: its size in bytes, negative if signed.
NOTE_TYPES = {"s32": "-4", "s64": "-8", "u64": "8"}
BEGIN_ARGUMENTS = ["s32", "u64"]  # role, seq


def table_rows(text):
    """Yields the cells of each row of the page's tables."""
    for line in text.splitlines():
        if line.startswith("| `colo_"):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def documented(text):
    """Maps the name of each probe to the types of its arguments."""
    probes = {}
    for cells in table_rows(text):
        name = cells[0].strip("`")
        types = [kind for _, kind in re.findall(r"`(\w+)` (s32|s64|u64)", cells[3])]
        if cells[1] in ("primary", "both"):
            probes[name] = types
            continue
        before = ["s32"] if name == "colo_init" else BEGIN_ARGUMENTS
        probes[name + "_begin"] = before
        probes[name + "_end"] = before + types
    return probes


def built(qemu):
    """Maps the name of each probe of provider qemu that is ours to the set of its argument lists."""
    notes = subprocess.run(["readelf", "-n", "-W", qemu], stdout=subprocess.PIPE, encoding="utf-8",
                           check=True).stdout
    probes = {}
    for match in re.finditer(r"Provider: qemu\s+Name: (colo_\w+)\s+Location:[^\n]*\n"
                             r"\s+Arguments:([^\n]*)", notes):
        sizes = tuple(argument.split("@")[0] for argument in match.group(2).split())
        probes.setdefault(match.group(1), set()).add(sizes)
    return probes


def main():
    page = sys.argv[2] if len(sys.argv) > 2 else "docs/probes.md"
    with open(page, encoding="utf-8") as file:
        expected = documented(file.read())
    found = built(sys.argv[1])
    failed = 0
    names = sorted(set(expected) | set(found))
    for number, name in enumerate(names, start=1):
        want = {tuple(NOTE_TYPES[kind] for kind in expected[name])} if name in expected else set()
        have = found.get(name, set())
        ok = want == have
        failed += not ok
        print(f"{'ok' if ok else 'not ok'} {number} - {name}: "
              + (f"{len(next(iter(want)))} arguments" if ok else f"documented {want}, built {have}"))
    print(f"1..{len(names)}")
    return 1 if failed or not expected else 0


if __name__ == "__main__":
    sys.exit(main())
