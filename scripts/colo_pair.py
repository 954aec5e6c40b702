# SPDX-License-Identifier: GPL-2.0-or-later
"""A COLO pair and its recording for programs in Python: start-pair.sh and `colo-perf record` as objects.

For tests and benchmarks. What they measure with it is their own affair.
"""

import contextlib
import json
import pathlib
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
from qmp import Qmp  # pylint: disable=wrong-import-position

SCRIPTS = pathlib.Path(__file__).resolve().parent
COLO_PERF = SCRIPTS.parent / "build" / "colo-perf"
STOP_TIMEOUT_S = 120
SIDES = ("primary", "secondary")


class PairError(Exception):
    """A script of ours has ended before its time; the message is its last line."""


def last_line(path):
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    return next((line for line in reversed(lines) if line.strip()), f"{path.name} is empty")


def build_qemu(variant):
    """The path of a QEMU in the cache, which is built when it is not there yet."""
    return subprocess.run([SCRIPTS / "build-qemu.sh", "--variant", variant], check=True, text=True,
                          stdout=subprocess.PIPE).stdout.split()[-1]


def stop(child):
    """Ends one of our scripts, which take down what they started."""
    if child.poll() is None:
        child.send_signal(signal.SIGTERM)
    try:
        child.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


class Pair:
    """start-pair.sh, stopped at the end of a with block. `values` holds what it says of the pair.

    With gate=True it stays booted until open_gate().
    """

    def __init__(self, qemu, directory, *options, gate=False):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.log = self.directory / "start-pair.log"
        self.gate = self.directory / "gate"
        command = [SCRIPTS / "start-pair.sh", "--qemu", qemu, "--run-dir", self.directory, *map(str, options)]
        if gate:
            command += ["--gate", self.gate]
        with open(self.log, "w", encoding="utf-8") as log:
            self.child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        self.values = {}
        self.wanted = "booted" if gate else "colo"

    def __enter__(self):
        try:
            self.wait_for(self.wanted)
            return self
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_):
        stop(self.child)
        self.child.stdout.close()

    def wait_for(self, state):
        # Its lines come in blocks of which `port` is the last one.
        for line in self.child.stdout:
            name, _, value = line.strip().partition("=")
            self.values[name] = value
            if name == "port" and self.values["state"] == state:
                return
        raise PairError(f"no pair: {last_line(self.log)}")

    def open_gate(self):
        self.gate.touch()
        self.wait_for("colo")

    def check_alive(self):
        if self.child.poll() is not None:
            raise PairError(f"the pair has ended: {last_line(self.log)}")

    def pid(self, side):
        return int(self.values[f"{side}_pid"])

    def qmp(self, side, command, arguments=None):
        # QEMU serves one client at a time, and start-pair.sh is another one.
        connection = Qmp(self.values[f"{side}_qmp"])
        try:
            return connection.execute(command, arguments)
        finally:
            connection.sock.close()

    def events(self):
        """QEMU's events so far: {side, event, time_us since the epoch, data}."""
        with open(self.values["events"], encoding="utf-8") as file:
            return [json.loads(line) for line in file if line.endswith("\n")]

    def pauses(self, side, since_us=0):
        """[(STOP, RESUME)] of a side in microseconds since the epoch, of pauses that began after since_us."""
        pauses, stopped = [], None
        for event in self.events():
            if event["side"] != side or event["time_us"] < since_us:
                continue
            if event["event"] == "STOP":
                stopped = event["time_us"]
            elif event["event"] == "RESUME" and stopped is not None:
                pauses.append((stopped, event["time_us"]))
                stopped = None
        return pauses

    def wait_for_pauses(self, side, number, timeout_s=120):
        """Waits until so many more pauses are over, and returns them."""
        begin_us = time.time_ns() // 1000
        deadline = time.monotonic() + timeout_s
        while len(pauses := self.pauses(side, begin_us)) < number:
            self.check_alive()
            if time.monotonic() > deadline:
                raise PairError(f"{len(pauses)} checkpoints in {timeout_s} s instead of {number}: see {self.directory}")
            time.sleep(0.05)
        return pauses[:number]


@contextlib.contextmanager
def recording(pair, output, frequency=997, *options):
    """`colo-perf record` on both sides of a pair; the file is complete after the with block."""
    if not COLO_PERF.exists():
        raise PairError(f"there is no {COLO_PERF}: build it with make")
    log = pair.directory / "record.log"
    with open(log, "w", encoding="utf-8") as messages:
        pids = [word for side in SIDES for word in ("-p", str(pair.pid(side)))]
        child = subprocess.Popen([COLO_PERF, "record", "--quiet", *pids, "--frequency", str(frequency), "--output", output,
                                  *options],
                                 stdout=subprocess.PIPE, stderr=messages, text=True)
        try:
            if child.stdout.readline().strip() != "state=recording":
                raise PairError(f"no recording: {last_line(log)}")
            yield
        finally:
            stop(child)
            child.stdout.close()
    if child.returncode:
        raise PairError(f"the recording failed: {last_line(log)}")
