#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What `colo-perf live` costs and whether it loses hits: it watches small programs that hit QEMU's
probes at a steady pace, its lines going to a file or its view to a terminal that nobody looks at.

Its CPU time is what the kernel says it ran for between two moments, without its start and
its end. It needs root, gcc and sys/sdt.h, and prints a table for docs/benchmarks.md.

usage: live.py [--colo-perf PROGRAM] [--seconds S]
"""

import argparse
import json
import os
import pathlib
import pty
import subprocess
import sys
import tempfile
import termios
import threading
import time
import typing

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "system"))
from workload_record import Programs  # pylint: disable=wrong-import-position

ENDLESS = "100000000"


class Case(typing.NamedTuple):
    name: str
    processes: int
    ram_us: int
    wait_us: int
    terminal: bool


CASES = (
    Case("2 a second, two processes", 2, 50_000, 448_000, False),
    Case("the same, on a terminal", 2, 50_000, 448_000, True),
    Case("1,000 a second, one process", 1, 100, 250, False),
    Case("the same, on a terminal", 1, 100, 250, True),
    Case("as fast as it can, two processes", 2, 0, 0, False),
)


def ran_ns(pid):
    """How long the process has run on a CPU."""
    return int(pathlib.Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[0])


def resident_mib(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(text.split("VmRSS:")[1].split()[0]) / 1024


def drain(fd, seen):
    try:
        while data := os.read(fd, 65536):
            seen.append(len(data))
    except OSError:  # the other side is gone
        pass


class Live:
    """colo-perf live on a terminal of its own, or with its lines in a file."""

    def __init__(self, case, colo_perf, pids, work):
        command = [colo_perf, "live", *(word for pid in pids for word in ("-p", str(pid)))]
        self.out, self.log = work / "live.out", work / "live.log"
        self.seen = []
        with open(self.out, "wb") as out, open(self.log, "wb") as log:
            if case.terminal:
                self.fd, terminal = pty.openpty()
                termios.tcsetwinsize(terminal, (50, 80))
                self.child = subprocess.Popen(command, stdout=terminal, stdin=terminal, stderr=log,
                                              env=dict(os.environ, TERM="xterm"))
                os.close(terminal)
                threading.Thread(target=drain, args=(self.fd, self.seen), daemon=True).start()
            else:
                self.child = subprocess.Popen(command, stdout=out, stderr=log)
        while not self.seen and "watching" not in self.log.read_text(encoding="utf-8"):
            if self.child.poll() is not None:
                raise RuntimeError(self.log.read_text(encoding="utf-8"))
            time.sleep(0.05)

    def end(self):
        self.child.terminate()
        self.child.wait()

    def report(self):
        return json.loads(self.out.read_text(encoding="utf-8").splitlines()[-1])


def measure(case, colo_perf, program, seconds, work):
    children = [subprocess.Popen([program, "-w", "paced", ENDLESS, str(case.ram_us),
                                  str(case.wait_us)], stdin=subprocess.PIPE)
                for _ in range(case.processes)]
    try:
        live = Live(case, colo_perf, [child.pid for child in children], work)
        for child in children:
            child.stdin.write(b"\n")
            child.stdin.flush()
        time.sleep(2)
        before_ns, begin = ran_ns(live.child.pid), time.monotonic()
        time.sleep(seconds)
        share = (ran_ns(live.child.pid) - before_ns) / 1e9 / (time.monotonic() - begin)
        memory = resident_mib(live.child.pid)
        live.end()
    finally:
        for child in children:
            child.kill()
            child.wait()
    row = [case.name, "", "", "", f"{100 * share:.2f}", f"{memory:.0f}"]
    if not case.terminal:
        report = live.report()
        recording = report["recordings"][0]
        rate = sum(session["recorder"]["tot_num"] for session in report["sessions"]) / (seconds + 2)
        row[1:4] = f"{rate:.0f}", f"{recording['probe_hits']:,}", f"{recording['lost_samples']:,}"
    print("| " + " | ".join(row) + " |", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--colo-perf", type=pathlib.Path, default=ROOT / "build" / "colo-perf")
    parser.add_argument("--seconds", type=int, default=60)
    arguments = parser.parse_args()
    print("| checkpoints | a second, of all | hits | lost hits | % of a CPU | MiB |")
    print("| --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as work:
        program = Programs(pathlib.Path(work)).whole
        for case in CASES:
            measure(case, arguments.colo_perf.resolve(), program, arguments.seconds,
                    pathlib.Path(work))


if __name__ == "__main__":
    main()
