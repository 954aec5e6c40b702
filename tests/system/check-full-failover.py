#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Fails over to the secondary of a pair with disk and network, as QEMU's COLO-FT.txt says.

The primary is killed; from then on the secondary must answer the client, on the connection that
the primary had, and write to its own disk. Prints TAP.

usage: check-full-failover.py QEMU
"""

import argparse
import json
import os
import pathlib
import signal
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))
from colo_pair import Pair  # pylint: disable=wrong-import-position
from tap import check, finish  # pylint: disable=wrong-import-position

OPTIONS = ["--accel", "tcg", "--memory", "192", "--working-set", "64", "--dirty-rate", "30",
           "--disk", "--net", "--keep-survivor"]
CHECKPOINTS = 4
ANSWERS = 30
TIMEOUT_S = 60
# The client waits 10 s for an answer.
MAX_GAP_S = 8

def client_lines(pair):
    with open(pair.values["client_log"], encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.endswith("\n")]


def wait_until(condition):
    """Whether condition() came true in time."""
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def written_bytes(pair):
    return next(device["stats"]["wr_bytes"] for device in pair.qmp("secondary", "query-blockstats")
                if device["device"] == "colo-disk0")


def fail_over(pair):
    """"Secondary Failover" of COLO-FT.txt, up to where it becomes a primary again."""
    # The switches still look for the guest where the primary was.
    commands = [("nbd-server-stop", None), ("x-colo-lost-heartbeat", None),
                ("object-del", {"id": "f2"}), ("object-del", {"id": "f1"}),
                ("chardev-remove", {"id": "red1"}), ("chardev-remove", {"id": "red0"}),
                ("announce-self", {"initial": 50, "max": 500, "rounds": 5, "step": 100})]
    for command, arguments in commands:
        pair.qmp("secondary", command, arguments)
        if command == "x-colo-lost-heartbeat":
            wait_until(lambda: pair.qmp("secondary", "query-colo-status")["mode"] == "none")


def check_failover(pair):
    pair.wait_for_pauses("primary", CHECKPOINTS)
    check("before, the client gets answers", wait_until(lambda: len(client_lines(pair)) >= ANSWERS),
          f"{len(client_lines(pair))}")
    os.kill(pair.pid("primary"), signal.SIGKILL)
    killed_us = time.time_ns() // 1000
    fail_over(pair)

    status = pair.qmp("secondary", "query-colo-status")
    check("the secondary has left COLO", status["mode"] == "none"
          and status["last-mode"] == "secondary", json.dumps(status))

    def answers():
        return [line for line in client_lines(pair)
                if "latency_us" in line and line["time_us"] > killed_us]

    check("the secondary answers the client", wait_until(lambda: len(answers()) >= ANSWERS),
          f"{len(answers())}")
    times_us = [line["time_us"] for line in client_lines(pair) if "latency_us" in line]
    gap_s = max(after - before for before, after in zip(times_us, times_us[1:])
                if after > killed_us) / 1e6
    check("no request was lost, the connection has survived",
          not any("error" in line for line in client_lines(pair)) and gap_s < MAX_GAP_S,
          f"{gap_s:.2f} s without an answer")

    before = written_bytes(pair)
    more = wait_until(lambda: written_bytes(pair) > before)
    check("the secondary's guest writes to its disk", more, f"{written_bytes(pair) - before} bytes")
    guest = pathlib.Path(pair.values["run_dir"]) / "secondary.serial"
    check("the secondary's guest does not complain", "failed" not in guest.read_text("utf-8"))
    pair.check_alive()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("qemu")
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory(prefix="colo-full-failover.") as name:
        with Pair(arguments.qemu, name, *OPTIONS) as pair:
            check_failover(pair)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
