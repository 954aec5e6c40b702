#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""README.md's way to record with perf alone, line by line as a new user types it, on a program that
has probes of the provider qemu beside COLO's.

It needs root, gcc, sys/sdt.h and perf. It takes back what it registers, and prints TAP.

usage: check-readme.py [--colo-perf PROGRAM]
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
from workload_record import FRAME_POINTERS, GROUP, Probes, Programs, ROOT, TRACEFS, run  # pylint: disable=wrong-import-position
from tap import check, finish, skip  # pylint: disable=wrong-import-position

CHECKPOINTS = 20
OTHER_PROBES = """
#define STAP_SDT_ARG_CONSTRAINT r
#include <sys/sdt.h>
void others(int number);
void others(int number)
{
    DTRACE_PROBE1(qemu, vl_of_others, number);
    DTRACE_PROBE1(qemu, block_of_others, number);
}
"""


def commands_of_readme():
    """The lines of the block that begins with perf's cache."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    block = re.search(r"\n((?:    .*\n)*    perf buildid-cache --add .*\n(?:    .*\n)*)", text).group(1)
    return [line.strip() for line in block.splitlines()]


def program_with_others(work):
    programs = Programs(work)
    source, path = work / "others.c", programs.place("with-others")
    source.write_text(OTHER_PROBES, encoding="utf-8")
    programs.compile(path, ["colo-workload.c", "workload-probes.c"], source, *FRAME_POINTERS)
    return path


def registered(program=None):
    """The events of the group, of this program or of all."""
    lines = (TRACEFS / "uprobe_events").read_text(encoding="utf-8").splitlines()
    return [line.split()[0].removeprefix(f"p:{GROUP}/") for line in lines
            if line.startswith(f"p:{GROUP}/") and (not program or f" {program}:" in line)]


class Shell:
    """Runs a command line in a directory and a home of its own."""

    def __init__(self, work):
        self.work = work
        self.output = ""

    def run(self, command):
        # Into a pipe perf record would write its recording.
        path = self.work / "output"
        with open(path, "wb") as output:
            done = subprocess.run(["bash", "-c", command], cwd=self.work, check=False, stdout=output,
                                  stderr=subprocess.STDOUT, env=dict(os.environ, HOME=str(self.work)))
        self.output = path.read_text(encoding="utf-8")
        return done.returncode


def as_typed(command, program, colo_perf):
    """The command for our program instead of a QEMU that runs for hours."""
    command = command.replace("/usr/local/bin/qemu-system-x86_64", str(program))
    command = command.replace("-p PID,PID -- sleep 30", f"-- {program} mix {CHECKPOINTS} 3000")
    return command.replace("build/colo-perf", str(colo_perf))


def check_commands(colo_perf, program, work):
    shell, most = Shell(work), []
    for command in commands_of_readme():
        status = shell.run(as_typed(command, program, colo_perf))
        check(f"{command}: it works", status == 0, shell.output if status else "")
        most = max(most, registered(program), key=len)
    check("COLO's probes were registered, and no others", len(most) >= 30 and
          all(event.startswith("colo_") for event in most), most)
    check("the report at the end has all checkpoints and no warning",
          f"checkpoints: {CHECKPOINTS} complete" in shell.output and "warning" not in shell.output, shell.output)
    check("nothing stays registered", not registered(program), registered(program))


def check_all_of_the_provider(colo_perf, program, work):
    """'sdt_qemu:*' takes the others as well, and is read."""
    shell = Shell(work)
    status = shell.run(f"perf buildid-cache --add {program} && perf probe -q 'sdt_qemu:*' && perf record -q -N "
                       f"-e 'sdt_qemu:*' -o all.data -- {program} mix {CHECKPOINTS} 3000")
    events = registered(program)
    status = shell.run("perf probe -q -d 'sdt_qemu:*'") or status
    check("'sdt_qemu:*' takes all of the provider", status == 0 and
          {"vl_of_others", "block_of_others"} <= set(events), shell.output or events)
    status = shell.run(f"{colo_perf} report all.data")
    check("its recording is reported, with a warning", status == 0
          and f"checkpoints: {CHECKPOINTS} complete" in shell.output and
          "2 sdt_qemu events are none of COLO's" in shell.output, shell.output)
    check("nothing of it stays registered", not registered(program), registered(program))


def check_readme(colo_perf, work):
    program = program_with_others(work)
    try:
        check_commands(colo_perf, program, work)
        check_all_of_the_provider(colo_perf, program, work)
    finally:
        for event in registered(program):
            Probes.remove(event)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--colo-perf", default="build/colo-perf", type=os.path.abspath)
    colo_perf = parser.parse_args().colo_perf
    mounted = not (TRACEFS / "uprobe_events").exists()
    if mounted:
        run("mount", "-t", "tracefs", "tracefs", TRACEFS)
    try:
        if others := registered():
            skip("the commands of README.md", f"{len(others)} events of {GROUP} are registered by others, and "
                 f"README's perf probe -d would remove those too: perf probe -d '{GROUP}:*', and again")
        else:
            with tempfile.TemporaryDirectory(prefix="check-readme-") as directory:
                check_readme(colo_perf, pathlib.Path(directory))
    finally:
        if mounted:
            subprocess.run(["umount", TRACEFS], check=False)
    sys.exit(finish())


if __name__ == "__main__":
    main()
