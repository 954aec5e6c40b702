#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Checks the set-up of QEMU's COLO-FT.txt: run.sh --disk --net over a slow link.

Both sides must report the same checkpoints, some of them asked for by colo-compare; replication
must be on; the client must get answers; the link must be as slow as it should. Whatever stops the
scripts, nothing may be left behind. Prints TAP.

usage: check-full-setup.py [--colo-perf PROGRAM] QEMU
"""

import argparse
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

SCRIPTS = pathlib.Path(__file__).resolve().parents[2] / "scripts"
sys.dont_write_bytecode = True
sys.path.insert(0, str(SCRIPTS))
from qmp import Qmp  # pylint: disable=wrong-import-position
from tap import check, finish  # pylint: disable=wrong-import-position

LINK_MBIT = 400
BURST_BYTES = 128 * 1024
DURATION_S = 25
# On a very busy machine a checkpoint takes a second.
MIN_CHECKPOINTS = 15
# A small guest that boots and gets into COLO soon, and dirties enough to fill the link.
GUEST = ["--accel", "tcg", "--memory", "192", "--working-set", "64", "--dirty-rate", "30"]
TIMEOUT_S = 240

def pair_env(run_dir):
    """What start-pair.sh says of the pair so far."""
    try:
        lines = (run_dir / "pair.env").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    return dict(line.split("=", 1) for line in lines)


def wait_for(child, seconds, condition):
    """What condition() returns once that is true; None if the child ends or time is over."""
    deadline = time.monotonic() + seconds
    while child.poll() is None and time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.1)
    return None


def namespaces(pids):
    """The network namespaces of processes, without ours."""
    found = set()
    for pid in pids:
        try:
            found.add(os.stat(f"/proc/{pid}/ns/net").st_ino)
        except OSError:
            pass
    return found - {os.stat("/proc/self/ns/net").st_ino}


def all_pids():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def children_of(pid):
    """All processes below one."""
    parents = {}
    for other in all_pids():
        try:
            stat = pathlib.Path(f"/proc/{other}/stat").read_text(encoding="utf-8")
        except OSError:
            continue
        parents.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(other)
    found, todo = [], [pid]
    while todo:
        below = parents.get(todo.pop(), [])
        found += below
        todo += below
    return found


def leftovers(pids, spaces, paths):
    """What is still there of what a script started, after a moment to go."""
    left = []
    for _ in range(30):
        alive = [pid for pid in pids if pathlib.Path(f"/proc/{pid}/exe").exists()]
        inside = spaces & namespaces(all_pids())
        left = [f"process {pid}" for pid in alive] + [f"namespace {space}" for space in inside]
        left += [str(path) for path in paths if path.exists()]
        if not left:
            break
        time.sleep(0.1)
    return left


def our_links():
    """Interfaces of this network namespace with names that pair-network.sh gives."""
    links = subprocess.run(["ip", "-j", "link"], check=True, stdout=subprocess.PIPE).stdout
    return {link["ifname"] for link in json.loads(links)} & {"repl0", "lan0", "tap0", "br0",
                                                             "primary0", "secondary0"}


# --- Options ---

def check_refusals(qemu, directory):
    for option in (["--link-rate", "5"], ["--link-quick-ack"]):
        refused = subprocess.run([SCRIPTS / "start-pair.sh", "--qemu", qemu, *option],
                                 stderr=subprocess.PIPE, text=True, check=False)
        check(f"{option[0]} without --net is wrong usage", refused.returncode == 2
              and refused.stderr.count("\n") == 1 and "--net" in refused.stderr, refused.stderr.strip())

    netem = subprocess.run(["unshare", "--net", "tc", "qdisc", "add", "dev", "lo", "root", "netem",
                            "delay", "1ms"], stderr=subprocess.DEVNULL, check=False).returncode == 0
    if netem:
        print("# this kernel has netem: the refusal of --link-delay cannot be seen")
        return
    run_dir = directory / "delay"
    refused = subprocess.run([SCRIPTS / "start-pair.sh", "--qemu", qemu, "--run-dir", run_dir,
                              *GUEST, "--net", "--link-delay", "5"], stderr=subprocess.PIPE,
                             text=True, stdin=subprocess.DEVNULL, check=False)
    check("--link-delay without netem in the kernel ends with a line that says so",
          refused.returncode == 1 and "netem" in refused.stderr.splitlines()[-1],
          refused.stderr.splitlines()[-1])


# --- Being stopped ---

def check_stopped(qemu, directory, how, moment):
    """Stops start-pair.sh at a moment, a file of its run directory that has come to be."""
    run_dir = directory / f"stopped-{moment}-{how.name}"
    child = subprocess.Popen([SCRIPTS / "start-pair.sh", "--qemu", qemu, "--run-dir", run_dir,
                              *GUEST, "--disk", "--net"], stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    try:
        reached = wait_for(child, 60, (run_dir / moment).exists)
        pids = children_of(child.pid)
        spaces = namespaces(pids)
        sockets = {pathlib.Path(word.removeprefix("unix:").split(",")[0]).parent
                   for pid in pids for word in command_line(pid) if word.startswith("unix:")}
        child.send_signal(how)
        status = child.wait(60)
    finally:
        child.kill()
    if how == signal.SIGKILL:
        # The kernel ends processes, and with them namespaces, but removes no files.
        for path in sockets:
            shutil.rmtree(path, ignore_errors=True)
        left = leftovers(pids, spaces, [])
    else:
        left = leftovers(pids, spaces, [*run_dir.glob("disks.*"), *sockets])
    expected = -how if how == signal.SIGKILL else 128 + how
    check(f"{how.name} when there is a {moment}: nothing is left behind",
          bool(reached) and status == expected and len(spaces) > 0 and not left,
          f"status {status}, {len(pids)} processes, {len(spaces)} namespaces, left: {left}")


def command_line(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8").split("\0")
    except OSError:
        return []


# --- The run ---

def allocated_bytes(path):
    return os.stat(path).st_blocks * 512


def look_inside(env):
    """What the running pair says of its disks, and which namespaces there are."""
    names = ("primary", "secondary", "client")
    holders = [int(env[f"{name}_netns"].split("/")[2]) for name in names]
    found = {"namespaces": namespaces(holders), "drivers": {}, "written": {},
             "pids": holders + [int(env[f"{name}_pid"]) for name in names]}
    for side in ("primary", "secondary"):
        qmp = Qmp(env[f"{side}_qmp"])
        found["drivers"][side] = sorted({node["drv"] for node
                                         in qmp.execute("query-named-block-nodes")})
        found["written"][side] = sum(device["stats"]["wr_bytes"] for device
                                     in qmp.execute("query-blockstats")
                                     if device["device"] == "colo-disk0")
    found["replicated"] = allocated_bytes(env["secondary_disk"])
    found["routes"] = [subprocess.run(["nsenter", f"--net={env[f'{side}_netns']}", "ip", "route", "show", "dev", "repl0"],
                                      check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
                       for side in ("primary", "secondary")]
    return found


def run(qemu, directory):
    """run.sh, looked into before its recording ends; returns what was seen, or None."""
    output = directory / "run"
    run_dir = output / "pair"
    log = directory / "run.log"
    with open(log, "w", encoding="utf-8") as messages:
        child = subprocess.Popen([SCRIPTS / "run.sh", "--disk", "--net", *GUEST, "--output", output,
                                  "--link-rate", str(LINK_MBIT), "--link-quick-ack",
                                  "--duration", str(DURATION_S)],
                                 stdout=messages, stderr=messages, stdin=subprocess.DEVNULL,
                                 env={**os.environ, "QEMU": qemu})
        seen = None
        try:
            if wait_for(child, TIMEOUT_S, lambda: pair_env(run_dir).get("state") == "colo"):
                env = pair_env(run_dir)
                time.sleep(DURATION_S * 0.6)
                seen = look_inside(env)
                seen["env"] = env
            status = child.wait(TIMEOUT_S)
        finally:
            child.terminate()
            child.wait(60)
    check("run.sh --disk --net runs", status == 0 and seen is not None, f"status {status}")
    if status or not seen:
        print("".join(f"# {line}\n" for line in log.read_text(encoding="utf-8").splitlines()[-20:]))
        return None
    return seen


def check_routes(seen):
    check("what comes over the link is acknowledged at once", all("quickack 1" in route for route in seen["routes"]),
          f"{seen['routes']}")


def check_disks(seen):
    for side, drivers in seen["drivers"].items():
        wanted = {"quorum", "replication", "qcow2"} | ({"nbd"} if side == "primary" else set())
        check(f"{side}: quorum and replication are on", wanted <= set(drivers), f"{drivers}")
        check(f"{side}: its guest writes to the disk", seen["written"][side] > 0,
              f"{seen['written'][side]} bytes")
    # The secondary's guest never writes to this file: it came over NBD.
    check("what the primary writes arrives on the secondary's disk", seen["replicated"] > 1 << 20,
          f"{seen['replicated']} bytes")


def check_report(found):
    # Debian's libraries are stripped, and keep no frame pointers: whether a sample falls into what has no name, or
    # a call chain leads to nowhere, is chance.
    warnings = [warning for warning in found["warnings"] if warning["code"] not in ("no_symbols", "not_mapped")]
    check("nothing is to be warned of", not warnings, json.dumps(warnings))
    sessions = {session["role"]: session for session in found["sessions"]}
    check("both sides are reported", sorted(sessions) == ["primary", "secondary"]
          and len(found["sessions"]) == 2, f"{sorted(sessions)}")
    if len(sessions) != 2:
        return
    complete = {role: {checkpoint["seq"]: checkpoint for checkpoint in session["checkpoints"]
                       if checkpoint["state"] == "complete"} for role, session in sessions.items()}
    for role, session in sessions.items():
        check(f"{role}: at least {MIN_CHECKPOINTS} complete checkpoints, none is broken",
              len(complete[role]) >= MIN_CHECKPOINTS and session["states"]["broken"] == 0
              and not any(session["anomalies"].values()), f"{len(complete[role])}")
    common = sorted(set(complete["primary"]) & set(complete["secondary"]))
    check("both sides have the same checkpoints",
          len(set(complete["primary"]) ^ set(complete["secondary"])) <= 2
          and all(complete["primary"][seq]["ram_bytes"] == complete["secondary"][seq]["ram_bytes"]
                  for seq in common), f"{len(common)} in common")

    reasons = sessions["primary"]["triggered_by"]
    check("some checkpoints were triggered by packets that differ, some by the timer",
          reasons["compare"] > 0 and reasons["timer"] > 0, json.dumps(reasons))

    # Without a disk it is some 0.03 ms.
    block = next(phase for phase in sessions["secondary"]["phases"] if phase["name"] == "block")
    check("secondary: each checkpoint empties its disks, which takes time",
          block["n"] == len(complete["secondary"]) and block["p50_ns"] > 500_000,
          f"p50 {block['p50_ns'] / 1e6:.3f} ms, max {block['max_ns'] / 1e6:.3f} ms")

    check_link(complete, common)


def check_link(complete, common):
    """RAM cannot come in faster than the link allows, and large amounts come nearly as fast.

    From when the primary begins to send it to when the secondary has loaded it.
    """
    rates, too_fast = [], []
    for seq in common:
        sent = complete["primary"][seq]
        time_ns = (complete["secondary"][seq]["phases"]["ram"]["end_ns"]
                   - sent["phases"]["ram"]["begin_ns"])
        if sent["ram_bytes"] > LINK_MBIT / 8 * time_ns / 1000 + BURST_BYTES:
            too_fast.append(seq)
        if sent["ram_bytes"] > 40 * BURST_BYTES:
            rates.append(sent["ram_bytes"] * 8000 / time_ns)
    check(f"no checkpoint's RAM is faster than the link's {LINK_MBIT} Mbit/s", not too_fast,
          f"too fast: {too_fast}")
    check("large ones use most of the link", bool(rates) and max(rates) > 0.6 * LINK_MBIT,
          f"{len(rates)} large ones, at most {max(rates, default=0):.0f} Mbit/s")


def check_client(env):
    with open(env["client_log"], encoding="utf-8") as file:
        lines = [json.loads(line) for line in file if line.endswith("\n")]
    answers = [line for line in lines if "latency_us" in line]
    kinds = {kind: sum(line["kind"] == kind for line in answers) for kind in ("same", "differ")}
    check("the client got the answers that it should", len(answers) == len(lines)
          and min(kinds.values()) > 0, json.dumps(kinds))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--colo-perf", default="build/colo-perf")
    parser.add_argument("qemu")
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory(prefix="colo-full-setup.") as name:
        directory = pathlib.Path(name)
        links_before = our_links()
        seen = run(arguments.qemu, directory)
        if seen:
            check_disks(seen)
            check_routes(seen)
            check_client(seen["env"])
            check_report(json.loads(subprocess.run(
                [arguments.colo_perf, "report", "--json", directory / "run/perf.data"],
                check=True, stdout=subprocess.PIPE).stdout))
            left = leftovers(seen["pids"], seen["namespaces"],
                             [pathlib.Path(seen["env"]["primary_disk"]).parent,
                              pathlib.Path(seen["env"]["primary_qmp"]).parent])
            check("no process, namespace, disk or socket is left behind", not left, f"{left}")
        check_refusals(arguments.qemu, directory)
        check_stopped(arguments.qemu, directory, signal.SIGTERM, "network.log")
        check_stopped(arguments.qemu, directory, signal.SIGINT, "events.log")
        check_stopped(arguments.qemu, directory, signal.SIGKILL, "events.log")
        check("no interface came into this network namespace", our_links() == links_before,
              f"{sorted(our_links())}")
    return finish()


if __name__ == "__main__":
    sys.exit(main())
