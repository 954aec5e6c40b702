# SPDX-License-Identifier: GPL-2.0-or-later
"""What binutils say of an ELF file: the oracle for names that colo-perf finds in it. Places are offsets in the file, as perf's
frames have them."""

import re

from workload_record import run


def build_id_of(path):
    return re.search(r"Build ID: ([0-9a-f]+)", run("readelf", "-n", path)).group(1)


def code_shift(path):
    """What is to be added to an offset in the file to get the address, for its code."""
    headers = run("readelf", "-lW", path)
    offset, address = re.search(r"LOAD\s+(0x\w+) (0x\w+) 0x\w+ 0x\w+ 0x\w+ R E", headers).groups()
    return int(address, 16) - int(offset, 16)


def symbols_of(path):
    """[(begin, end, name)] of its functions, as offsets."""
    shift = code_shift(path)
    found = [line.split() for line in run("nm", "-S", "--defined-only", path).splitlines()]
    return [(begin := int(words[0], 16) - shift, begin + int(words[1], 16), words[3])
            for words in found if len(words) == 4 and words[2] in "tT"]


def inlined_at(path, offsets):
    """{offset: functions inlined there, the outermost first}, by addr2line."""
    shift = code_shift(path)
    lines = run("addr2line", "-a", "-f", "-i", "-e", path,
                input="".join(f"{offset + shift:#x}\n" for offset in offsets)).splitlines()
    inlined, names = {}, []
    for line in lines:
        if re.fullmatch(r"0x[0-9a-f]{16}", line):
            names = inlined[int(line, 16) - shift] = []
        else:
            names.append(line)
    # Each name has a line of its own and one with file and line number; the last is the function.
    return {offset: names[:-2:2][::-1] for offset, names in inlined.items()}
