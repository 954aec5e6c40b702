#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Checks the report of a recorded pair against perf script and against QEMU's own events.

It takes what scripts/run.sh left in its output directory: perf.data and
pair/events.jsonl. It records nothing and prints TAP.

usage: check-pair.py [--min-checkpoints N] [--colo-perf PROGRAM] DIRECTORY
"""

import argparse
import json
import pathlib
import subprocess
import sys
import time

sys.dont_write_bytecode = True
from tap import check, finish  # pylint: disable=wrong-import-position

SUM_PHASES = pathlib.Path(__file__).parent / "sum-phases.py"
AMOUNTS_OF_BOTH = ["ram_bytes", "normal_pages", "zero_pages", "device_state_bytes",
                   "vmstate_bytes"]
OTHER_LIMIT = 0.001
# QEMU stamps its events with microseconds of the wall clock, which may be slewed by 500 ppm.
STAMP_NS = 1000
SLEW = 500e-6

def report(program, recording):
    return json.loads(subprocess.run([program, "report", "--json", recording], check=True,
                                     stdout=subprocess.PIPE, encoding="utf-8").stdout)


def script_sums(recording):
    """The totals that perf script's lines add up to, by "pid/role"."""
    with subprocess.Popen(["perf", "script", "-F", "comm,pid,tid,time,event,trace", "--ns", "-i",
                           recording], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as perf:
        sums = subprocess.run([SUM_PHASES], stdin=perf.stdout, stdout=subprocess.PIPE, check=True)
    return json.loads(sums.stdout)


def check_sides(sessions, minimum):
    roles = [session["role"] for session in sessions]
    check("a primary and a secondary are there", roles == ["primary", "secondary"], f"{roles}")
    for session in sessions:
        complete = session["states"]["complete"]
        check(f"{session['role']}: at least {minimum} complete checkpoints",
              complete >= minimum, f"{complete}")
        check(f"{session['role']}: no checkpoint is broken, nothing does not fit",
              session["states"]["broken"] == 0 and not any(session["anomalies"].values()),
              json.dumps(session["anomalies"]))


def check_recording(found):
    # Whether a call chain leads to nowhere, in a library without frame pointers, is chance.
    warnings = [warning for warning in found["warnings"] if warning["code"] != "not_mapped"]
    check("nothing was lost and nothing is to be warned of",
          not warnings and not found["recordings"][0]["lost_records"]
          and not found["recordings"][0]["lost_samples"], json.dumps(warnings))


def complete_by_seq(session):
    return {checkpoint["seq"]: checkpoint for checkpoint in session["checkpoints"]
            if checkpoint["state"] == "complete"}


def check_same_checkpoints(primary, secondary):
    ours, theirs = complete_by_seq(primary), complete_by_seq(secondary)
    # At the edges of the recording a checkpoint may be whole on one side alone.
    common = sorted(set(ours) & set(theirs))
    inner = set(range(common[0], common[-1] + 1)) if common else set()
    check("both sides have the same checkpoints", bool(common) and set(common) == inner
          and len(set(ours) ^ set(theirs)) <= 2, f"{len(common)} in common")
    for amount in AMOUNTS_OF_BOTH:
        differing = [seq for seq in common if ours[seq][amount] != theirs[seq][amount]]
        check(f"{amount} of each checkpoint is the same on both sides", not differing
              and all(ours[seq][amount] is not None for seq in common),
              f"{sum(ours[seq][amount] or 0 for seq in common)} in all, differs in {differing}")


def check_other(session):
    phases = {phase["name"]: phase for phase in session["phases"]}
    share = phases["other"]["total_ns"] / phases["checkpoint"]["total_ns"]
    check(f"{session['role']}: other is below {OTHER_LIMIT:.1%} of the checkpoints",
          phases["other"]["n"] == phases["checkpoint"]["n"] and 0 <= share < OTHER_LIMIT,
          f"{share:.4%}, {phases['other']['mean_ns'] / 1000:.1f} us a checkpoint")


def check_sums(session, sums):
    """The totals of perf script, to the nanosecond."""
    theirs = sums[f"{session['pid']}/{1 if session['role'] == 'primary' else 2}"]
    phases = {phase["name"]: phase for phase in session["phases"]}
    check(f"{session['role']}: perf script has as many completed checkpoints",
          theirs["completed"] == phases["checkpoint"]["n"],
          f"{theirs['completed']} and {phases['checkpoint']['n']}")
    check(f"{session['role']}: perf script's total of the checkpoints",
          theirs["checkpoint_ns"] == phases["checkpoint"]["total_ns"]
          == session["recorder"]["tot_time"],
          f"{theirs['checkpoint_ns']} and {phases['checkpoint']['total_ns']} ns")
    wrong = [name for name, total in theirs["phases"].items()
             if (total["total_ns"], total["count"]) != (phases[name]["total_ns"], phases[name]["n"])]
    check(f"{session['role']}: perf script's total of each of {len(theirs['phases'])} phases",
          not wrong and len(theirs["phases"]) == len(phases) - 3, f"differing: {wrong}")
    check(f"{session['role']}: perf script's init_time",
          theirs["init_ns"] == session["recorder"]["init_time"] is not None,
          f"{theirs['init_ns']} ns")


def qmp_pauses(events, side):
    """[(STOP, RESUME)] in nanoseconds since the epoch, of one side."""
    pauses, stopped = [], None
    for event in events:
        if event["side"] != side:
            continue
        if event["event"] == "STOP":
            stopped = event["time_us"] * 1000
        elif event["event"] == "RESUME" and stopped is not None:
            pauses.append((stopped, event["time_us"] * 1000))
            stopped = None
    return pauses


def check_pauses(session, events):
    """QEMU emits STOP within the stop phase and RESUME within the resume phase of a checkpoint.

    The pause between them is thus at least from the end of stop to the begin of
    resume, and at most from the begin of stop to the end of resume.
    """
    # The recording is on CLOCK_MONOTONIC; this only finds the event that belongs to a checkpoint.
    epoch_ns = time.time_ns() - time.monotonic_ns()
    pauses = qmp_pauses(events, session["role"])
    outside, slack = [], 0
    matched = 0
    for seq, checkpoint in sorted(complete_by_seq(session).items()):
        stop, resume = checkpoint["phases"]["stop"], checkpoint["phases"]["resume"]
        near = [pause for pause in pauses
                if abs(pause[0] - epoch_ns - stop["end_ns"]) < 100_000_000]
        if len(near) != 1:
            continue
        matched += 1
        pause_ns = near[0][1] - near[0][0]
        tolerance_ns = STAMP_NS + SLEW * pause_ns
        least = resume["begin_ns"] - stop["end_ns"] - tolerance_ns
        most = resume["end_ns"] - stop["begin_ns"] + tolerance_ns
        slack = max(slack, most - least)
        if not least <= pause_ns <= most:
            outside.append((seq, least, pause_ns, most))
    check(f"{session['role']}: QMP has a STOP and a RESUME for each checkpoint",
          matched == len(complete_by_seq(session)) > 0,
          f"{matched} of {len(complete_by_seq(session))}")
    check(f"{session['role']}: the pause between them is that of the probes", not outside,
          f"bounds at most {slack / 1e6:.3f} ms apart, outside: {outside[:3]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--colo-perf", default="build/colo-perf")
    parser.add_argument("--min-checkpoints", type=int, default=20)
    parser.add_argument("directory", type=pathlib.Path)
    arguments = parser.parse_args()

    recording = str(arguments.directory / "perf.data")
    found = report(arguments.colo_perf, recording)
    sums = script_sums(recording)
    with open(arguments.directory / "pair/events.jsonl", encoding="utf-8") as file:
        events = [json.loads(line) for line in file]

    check_recording(found)
    check_sides(found["sessions"], arguments.min_checkpoints)
    if len(found["sessions"]) == 2:
        check_same_checkpoints(*found["sessions"])
    for session in found["sessions"]:
        check_other(session)
        check_sums(session, sums)
        check_pauses(session, events)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
