#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Holds the reports of recordings in which a COLO pair loses a side, or fails over because it is
told to, against perf script's lines and against what QEMU said itself.

Each scenario is a pair of its own: a side is killed in the middle of a checkpoint or between two,
the survivor is told x-colo-lost-heartbeat, must run on, and is recorded for some seconds more. That
the blow fell where it was meant to is read out of the recording; if not, it is dealt again.

It needs root and prints TAP.

usage: check-failover.py [--colo-perf PROGRAM] [--keep DIR] [--only NAME] QEMU
"""

import argparse
import collections
import json
import os
import pathlib
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import typing

sys.dont_write_bytecode = True
SCRIPTS = pathlib.Path(__file__).resolve().parents[2] / "scripts"
sys.path.append(str(SCRIPTS))
import colo_pair  # pylint: disable=wrong-import-position
import perf_script  # pylint: disable=wrong-import-position
import qmp  # pylint: disable=wrong-import-position
from tap import check, finish  # pylint: disable=wrong-import-position

PAIR_OPTIONS = ["--accel", "tcg", "--memory", "256", "--working-set", "160", "--dirty-rate", "120",
                "--interval", "400"]
ROLES = {1: "primary", 2: "secondary"}
OTHER_SIDE = {"primary": "secondary", "secondary": "primary"}
PHASES = {  # of a complete checkpoint, docs/probes.md
    "primary": {"request", "stop", "block", "dev", "ram", "vmstate", "received", "net", "loaded",
                "resume"},
    "secondary": {"stop", "reply", "ram", "vmstate", "received", "flush", "dev", "block", "net",
                  "resume", "loaded"},
}
TRIGGERS = {1: "timer", 2: "compare", 3: "user", 4: "failover"}
EXIT_REASONS = {1: "request", 2: "error"}
GUEST_S = 0.3  # CPU time that a guest which goes on has used soon; 60 samples
TRIES = 4  # to hit a side in the middle of a checkpoint
EXIT_LINE = re.compile(r"\s(\d+)\.(\d{9}):\s+PERF_RECORD_EXIT\((\d+):(\d+)\)")


class Scenario(typing.NamedTuple):
    name: str
    victim: str  # the side that is killed, or asked to fail over
    killed: bool
    mid: bool  # in the middle of a checkpoint of the victim
    late: float = 0.0  # after this share of its usual pause
    phases: frozenset = frozenset()  # in one of which the victim's checkpoint then stops; any


SCENARIOS = [
    Scenario("primary-mid", "primary", True, True),
    # The secondary has received everything by then, and loads it.
    Scenario("primary-late", "primary", True, True, 0.5, frozenset(["received", "net", "loaded"])),
    Scenario("primary-between", "primary", True, False),
    Scenario("secondary-mid", "secondary", True, True),
    Scenario("secondary-between", "secondary", True, False),
    Scenario("asked-mid", "primary", False, True),
    Scenario("asked-between", "primary", False, False),
]

# --- A pair and its recording ---


def wait_until(what, seconds, condition, pause=0.02):
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise colo_pair.PairError(f"{what}: not within {seconds} s")
        time.sleep(pause)


class Pair(colo_pair.Pair):
    """One whose survivor stays, with QEMU's events as they come."""

    def __init__(self, qemu, directory):
        super().__init__(qemu, directory / "pair", "--keep-survivor", *PAIR_OPTIONS)
        self.seen = []
        self.events_file = None
        self.connections = {}

    def __enter__(self):
        super().__enter__()
        self.events_file = open(self.values["events"], encoding="utf-8")
        # Now, as a connection takes longer than a checkpoint.
        self.connections = {side: qmp.Qmp(self.values[f"{side}_qmp"]) for side in colo_pair.SIDES}
        return self

    def __exit__(self, *_):
        super().__exit__()
        if self.events_file:
            self.events_file.close()
        for connection in self.connections.values():
            connection.sock.close()

    def said(self):
        return self.log.read_text(encoding="utf-8")[-300:].strip()

    def qmp(self, side, command, arguments=None):
        return self.connections[side].execute(command, arguments)

    def new_events(self):
        """Those that have come since the last call; the file is written line by line."""
        new = [json.loads(line) for line in self.events_file]
        self.seen += new
        return new

    def next_event(self, side, name, seconds=30):
        """Waits for one that has not come yet, and returns at once when it is there."""
        return wait_until(f"{name} of the {side}", seconds, lambda: [
            event for event in self.new_events() if (event["side"], event["event"]) == (side, name)
        ], 0.0003)

    def pause_s(self, side):
        """The usual time from STOP to RESUME."""
        return statistics.median(resume - stop for stop, resume in self.pauses(side)) / 1e6


def guest_cpu_s(pid):
    """CPU time of the threads that run the guest."""
    ticks = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        if (task / "comm").read_text(encoding="utf-8").startswith("CPU "):
            fields = (task / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def strike(pair, scenario):
    """Waits for the moment, kills or asks; returns when, on the recording's clock."""
    victim = scenario.victim
    delay_s = pair.pause_s(victim) * scenario.late
    if scenario.mid:
        pair.next_event(victim, "STOP")
    else:
        pair.next_event(victim, "RESUME")
        delay_s = 0.1
    time.sleep(delay_s)
    when_ns = time.monotonic_ns()
    if scenario.killed:
        os.kill(pair.pid(victim), signal.SIGKILL)
    else:
        pair.qmp(victim, "x-colo-lost-heartbeat")
    return when_ns


def fail_over(pair, survivor, told):
    """What COLO-FT.txt wants of the user; the survivor must then run on."""
    if not told:
        wait_until(f"COLO_EXIT of the {survivor}", 20, lambda: pair.new_events() is not None and [
            event for event in pair.seen
            if (event["side"], event["event"]) == (survivor, "COLO_EXIT")])
        pair.qmp(survivor, "x-colo-lost-heartbeat")
    wait_until(f"the {survivor} runs", 20,
               lambda: pair.qmp(survivor, "query-status")["status"] == "running", 0.1)
    before_s = guest_cpu_s(pair.pid(survivor))
    time.sleep(2)
    # On a busy machine it takes longer to see the guest work.
    return wait_until(f"the guest of the {survivor} works", 30, lambda: max(
        0, guest_cpu_s(pair.pid(survivor)) - before_s - GUEST_S), 0.1) + GUEST_S


class Run(typing.NamedTuple):
    """What one try at a scenario gave."""
    recording: str
    struck_ns: int
    survivor: str
    guest_s: float  # CPU time of its guest after the failover
    events: list
    pids: dict
    epoch_ns: int  # what the wall clock is ahead of the recording's
    said: str  # by start-pair.sh


def record(qemu, scenario, directory):
    output = str(directory / "perf.data")
    with Pair(qemu, directory) as pair:
        pids = {side: pair.pid(side) for side in colo_pair.SIDES}
        with colo_pair.recording(pair, output, 199):
            for _ in range(5):
                pair.next_event(scenario.victim, "RESUME")
            struck_ns = strike(pair, scenario)
            survivor = OTHER_SIDE[scenario.victim] if scenario.killed else scenario.victim
            guest_s = fail_over(pair, survivor, not scenario.killed)
        epoch_ns = time.time_ns() - time.monotonic_ns()
        pair.new_events()
        said = pair.said()
    return Run(output, struck_ns, survivor, guest_s, pair.seen, pids, epoch_ns, said)


# --- The oracle: perf script's lines, and nothing of src/ ---


class Side:
    """What the hits of one side say, counted plainly."""

    def __init__(self, role, hits):
        self.role = role
        self.begins, self.ends = {}, {}  # (seq, phase): time
        self.ret, self.trigger = {}, {}  # by seq
        self.trigger_hits = collections.Counter()
        self.exit = self.exit_ns = self.failover_ns = None
        pending = None
        for hit in hits:
            if ROLES[hit.arguments[0]] != role:
                continue
            name, _, edge = hit.probe.removeprefix("colo_").rpartition("_")
            if hit.probe == "colo_trigger":
                reason = TRIGGERS[hit.arguments[2]]
                self.trigger_hits[reason] += 1
                pending = pending or reason
                if reason == "failover" and self.failover_ns is None:
                    self.failover_ns = hit.time_ns
            elif hit.probe == "colo_exit":
                self.exit, self.exit_ns = EXIT_REASONS[hit.arguments[1]], hit.time_ns
            elif edge in ("begin", "end") and name != "init":
                seq = hit.arguments[1]
                (self.begins if edge == "begin" else self.ends)[seq, name] = hit.time_ns
                if hit.probe == "colo_checkpoint_begin":
                    self.trigger[seq] = pending or "unknown"
                elif hit.probe == "colo_checkpoint_end":
                    self.ret[seq] = hit.arguments[2]
                elif hit.probe == "colo_net_begin":
                    pending = None
        self.states = {}
        seen = sorted({seq for seq, name in [*self.begins, *self.ends] if name != "wait"})
        for seq in seen:
            self.states[seq] = self.state_of(seq, seq == seen[0])
        self.last = seen[-1]

    def whole(self, seq, name):
        return (seq, name) in self.begins and (seq, name) in self.ends

    def state_of(self, seq, first):
        everything = all(self.whole(seq, name) for name in PHASES[self.role] | {"checkpoint"})
        if everything and self.ret[seq] == 0:
            return "complete"
        if self.whole(seq, "checkpoint") and self.ret[seq] != 0:
            return "aborted"
        if first:
            return "cut_start"
        return "cut_end" if (seq, "checkpoint") in self.begins else "broken"

    def complete(self):
        return [seq for seq, state in self.states.items() if state == "complete"]

    def duration(self, seq, name):
        return self.ends[seq, name] - self.begins[seq, name]

    def totals(self):
        """{row of the report: (number, total in ns)} over the complete checkpoints."""
        rows = collections.defaultdict(list)
        for seq in self.complete():
            for name in PHASES[self.role] | {"checkpoint"}:
                rows[name].append(self.duration(seq, name))
            if self.whole(seq, "wait"):
                rows["wait"].append(self.duration(seq, "wait"))
            rows["other"].append(self.duration(seq, "checkpoint") - sum(
                self.duration(seq, name) for name in PHASES[self.role]))
            rows["pause"].append(self.ends[seq, "resume"] - self.begins[seq, "stop"])
        return {name: (len(values), sum(values)) for name, values in rows.items()}

    def open_phase(self, seq):
        """The phase of the checkpoint that began and did not end."""
        phases = [name for of, name in self.begins if of == seq
                  and (seq, name) not in self.ends and name in PHASES[self.role]]
        return phases[0] if len(phases) == 1 else f"several: {phases}" if phases else "other"

    def unfinished(self, process_end_ns):
        """What the report must say of the checkpoints that were given up or cut."""
        found = []
        for seq, state in self.states.items():
            if state in ("aborted", "cut_end"):
                begin_ns = self.begins[seq, "checkpoint"]
                stop_ns = self.ends[seq, "checkpoint"] if state == "aborted" else process_end_ns
                found.append({"seq": seq, "state": state, "phase": self.open_phase(seq),
                              "begin_ns": begin_ns, "after_ns": stop_ns - begin_ns})
        return found


def process_ends(recording):
    """{pid: time of the exit of its first thread}."""
    script = subprocess.run(["perf", "script", "--show-task-events", "--ns", "-F",
                             "comm,pid,tid,time,event,trace", "-i", recording], check=True,
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8")
    ends = {}
    for line in script.stdout.splitlines():
        match = EXIT_LINE.search(line)
        if match and match.group(3) == match.group(4):
            ends[int(match.group(3))] = int(match.group(1)) * 10**9 + int(match.group(2))
    return ends


# --- The report against it ---


def colo_perf(program, *arguments):
    return subprocess.run([program, *arguments], check=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, encoding="utf-8").stdout


def negative_numbers(value, path=""):
    """Where a number below 0 stands that is not a `ret`."""
    if isinstance(value, dict):
        return [found for name, member in value.items() if name != "ret"
                for found in negative_numbers(member, f"{path}.{name}")]
    if isinstance(value, list):
        return [found for index, member in enumerate(value)
                for found in negative_numbers(member, f"{path}[{index}]")]
    return [path] if isinstance(value, (int, float)) and value < 0 else []


def where_it_fell(scenario, run, side):
    """The moment, out of the recording: whether it is what the scenario wants."""
    seq = max(of for of, name in side.begins
              if name == "checkpoint" and side.begins[of, name] < run.struck_ns)
    begin_ns, state = side.begins[seq, "checkpoint"], side.states[seq]
    phase = side.open_phase(seq)
    if scenario.mid:
        ok = state != "complete" and (not scenario.phases or phase in scenario.phases)
    else:
        ok = (state == "complete" and side.ends[seq, "checkpoint"] < run.struck_ns
              and side.last == seq and (seq + 1, "wait") in side.begins)
    return ok, (f"checkpoint {seq} is {state}, in {phase}, and began "
                f"{(run.struck_ns - begin_ns) / 1e6:.3f} ms before")


def check_side(name, session, side):
    states = collections.Counter(side.states.values())
    check(f"{name}: states of the checkpoints",
          {state: n for state, n in session["states"].items() if n} == dict(states)
          and {c["seq"]: c["state"] for c in session["checkpoints"]} == side.states,
          f"{dict(states)}")
    totals = side.totals()
    theirs = {row["name"]: (row["n"], row["total_ns"]) for row in session["phases"] if row["n"]}
    check(f"{name}: totals of {len(totals)} rows over {len(side.complete())} complete ones",
          theirs == totals and len(side.complete()) >= 3 and len(totals) >= len(PHASES[side.role]),
          f"differing: { {row for row in totals if theirs.get(row) != totals[row]} }")
    recorder = session["recorder"]
    check(f"{name}: the recorder's totals and the numbers of the checkpoints",
          (recorder["tot_num"], recorder["tot_time"]) == totals["checkpoint"]
          and session["first_seq"] == min(side.complete())
          and session["last_seq"] == max(side.complete()), f"{recorder['tot_num']}")
    check(f"{name}: nothing does not fit", not any(session["anomalies"].values()),
          json.dumps(session["anomalies"]))
    if side.role == "primary":
        causes = collections.Counter(side.trigger[seq] for seq in side.complete())
        hits = {reason: n for reason, n in session["trigger_hits"].items() if n}
        caused = {reason: n for reason, n in session["triggered_by"].items() if n}
        check(f"{name}: what asked for checkpoints",
              hits == dict(side.trigger_hits) and caused == dict(causes)
              and "failover" not in caused, f"asked {hits}, caused {caused}")


def check_end(name, session, side, run, end_ns):
    """How COLO and the process ended, and the last checkpoint."""
    exits = [event for event in run.events
             if (event["side"], event["event"]) == (side.role, "COLO_EXIT")]
    reasons = [event["data"]["reason"] for event in exits]
    # QEMU sends the event right after the probe.
    late_ns = [event["time_us"] * 1000 - run.epoch_ns - (side.exit_ns or 0) for event in exits]
    check(f"{name}: COLO ended as COLO_EXIT says", reasons == ([side.exit] if side.exit else [])
          and session["exit"] == side.exit and session["exit_ns"] == side.exit_ns
          and session["failover_ns"] == side.failover_ns
          and all(-20e6 < late < 1e9 for late in late_ns), f"{reasons}")
    told_ns = session["process_end_ns"]
    # perf script shows when the record was made, the report what it says.
    check(f"{name}: the end of the process",
          told_ns is None and end_ns is None
          or told_ns and end_ns and abs(told_ns - end_ns) < 1e6, f"{told_ns}")
    check(f"{name}: the checkpoints that were given up, and the one that death cut",
          session["unfinished"] == side.unfinished(told_ns)
          and len(session["unfinished"]) <= 2, json.dumps(session["unfinished"]))


def check_text(name, text, sessions, scenario):
    """What a person reads: who survived, which checkpoint was the last one, where it stopped."""
    parts = re.split(r"^(?=primary: |secondary: )", text, flags=re.M)[1:]
    for part, session in zip(parts, sessions):
        role = session["role"]
        head = part.split("\n\n")[0].splitlines()
        wanted = [rf"checkpoints: {session['states']['complete']} complete "
                  rf"\(seq \d+ to {session['last_seq']}\)"]
        if scenario.killed and role == scenario.victim:
            wanted.append(r"process: ended at \d+\.\d{6} s")
        else:
            wanted.append(r"process: did not end while it was recorded")
        if session["exit"]:
            wanted.append(rf"COLO ended: {session['exit']}.*, at \d+\.\d{{6}} s")
        for index, stop in enumerate(session["unfinished"]):
            how = "given up" if stop["state"] == "aborted" else "the process ended"
            wanted.append(rf"{'' if index else 'unfinished:':11} checkpoint {stop['seq']}, {how} "
                          rf"in {stop['phase']} after {stop['after_ns'] / 1e6:.3f} ms")
        missing = [line for line in wanted if not any(re.fullmatch(line, had) for had in head)]
        surplus = [had for had in head if re.match(r".{11} checkpoint \d", had)][
            len(session["unfinished"]):]
        check(f"{name}: the text says it of the {role}", not missing and not surplus
              and not any("end of the recording" in had for had in head),
              f"missing {missing}, surplus {surplus}" if missing or surplus else "")


def check_other_views(name, program, run, sessions, sides, samples):
    lines = colo_perf(program, "report", "--info-checkpoint", run.recording).splitlines()
    check(f"{name}: --info-checkpoint counts the complete ones",
          [json.loads(line)["return"]["tot_num"] for line in lines]
          == [len(side.complete()) for side in sides], f"{len(lines)} lines")
    rows = [line.split(",") for line in
            colo_perf(program, "report", "--csv", run.recording).splitlines()]
    columns = {column: index for index, column in enumerate(rows[0])}
    listed = [{int(row[columns["seq"]]): row[columns["state"]] for row in rows[1:]
               if row[columns["role"]] == side.role} for side in sides]
    sums = [sum(int(row[columns["checkpoint_ns"]]) for row in rows[1:]
                if row[columns["role"]] == side.role and row[columns["state"]] == "complete")
            for side in sides]
    check(f"{name}: --csv has the same checkpoints and sums",
          listed == [side.states for side in sides]
          and sums == [side.totals()["checkpoint"][1] for side in sides])
    for session, side in zip(sessions, sides):
        folded = colo_perf(program, "flamegraph", "--folded", "--phase", "all", "--role", side.role,
                           run.recording).splitlines()
        drawn = sum(int(line.rpartition(" ")[2]) for line in folded)
        windows = [(side.begins[seq, part], side.ends[seq, part]) for seq in side.complete()
                   for part in ("wait", "checkpoint") if side.whole(seq, part)]
        inside = sum(any(begin <= sample.time_ns < end for begin, end in windows)
                     for sample in samples
                     if (sample.pid, sample.tid) == (session["pid"], session["tid"]))
        check(f"{name}: the flame graph of the {side.role} has the complete checkpoints alone",
              drawn == inside > 0, f"{drawn} and {inside} samples")


def check_both_sides(name, primary, secondary):
    """What the secondary ended as a whole, the primary must have sent as a whole."""
    behind = [seq for seq in secondary.complete()
              if primary.states.get(seq) != "complete" and not primary.whole(seq, "vmstate")]
    ahead = [seq for seq in primary.complete() if seq in secondary.states
             and secondary.states[seq] not in ("complete", "cut_start")]
    check(f"{name}: the sides do not contradict each other", not behind and not ahead
          and abs(max(primary.complete()) - max(secondary.complete())) <= 1,
          f"last complete {max(primary.complete())} and {max(secondary.complete())}")


def check_run(program, scenario, run):
    name = scenario.name
    hits, samples = perf_script.read(run.recording)
    ends = process_ends(run.recording)
    sides = [Side(role, [hit for hit in hits if hit.pid == run.pids[role]]) for role in OTHER_SIDE]
    victim = sides[0] if scenario.victim == "primary" else sides[1]
    ok, where = where_it_fell(scenario, run, victim)
    if not ok:
        return False, where
    check(f"{name}: it fell where it was meant to", ok, where)
    after = sum(sample.pid == run.pids[run.survivor] and
                sample.time_ns > run.struck_ns + 10**9 for sample in samples)
    check(f"{name}: the survivor runs on, and is recorded", run.guest_s > GUEST_S and after > 20,
          f"its guest ran for {run.guest_s:.2f} s, {after} samples")
    found = json.loads(colo_perf(program, "report", "--json", run.recording))
    sessions = found["sessions"]
    # Whether a call chain leads to nowhere, in a library without frame pointers, is chance.
    warnings = [warning for warning in found["warnings"] if warning["code"] != "not_mapped"]
    check(f"{name}: both sides are there, nothing is to be warned of",
          [session["role"] for session in sessions] == ["primary", "secondary"] and not warnings,
          json.dumps(warnings))
    check(f"{name}: nothing is negative", not negative_numbers(found), f"{negative_numbers(found)}")
    for session, side in zip(sessions, sides):
        of_side = f"{name}, {side.role}"
        check_side(of_side, session, side)
        check_end(of_side, session, side, run, ends.get(session["pid"]))
    if scenario.killed:
        check(f"{name}: start-pair.sh says that the {scenario.victim} was killed",
              f"of the {scenario.victim} (pid {run.pids[scenario.victim]}) was killed by SIGKILL"
              in run.said)
        check(f"{name}: the dead side has no end of COLO",
              victim.exit is None and ends.get(run.pids[scenario.victim]) is not None)
    else:
        check(f"{name}: the request shows, and caused nothing", victim.failover_ns is not None
              and victim.exit_ns is not None, f"{victim.exit}")
    check_both_sides(name, *sides)
    check_text(name, colo_perf(program, "report", run.recording), sessions, scenario)
    check_other_views(name, program, run, sessions, sides, samples)
    return True, where


def play(program, qemu, scenario, work):
    """The scenario, until the blow falls where it is meant to."""
    for attempt in range(TRIES):
        directory = work / f"{scenario.name}-{attempt}"
        directory.mkdir()
        try:
            done, where = check_run(program, scenario, record(qemu, scenario, directory))
        except (colo_pair.PairError, qmp.QmpError) as failure:
            check(f"{scenario.name}: the pair does what it is told", False, str(failure))
            return
        if done:
            return
        print(f"# again: {where}", flush=True)
    check(f"{scenario.name}: it fell where it was meant to", False, f"in none of {TRIES} tries")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--colo-perf", default="build/colo-perf")
    parser.add_argument("--keep", type=pathlib.Path, help="leave recordings and logs here")
    parser.add_argument("--only", help="this scenario alone")
    parser.add_argument("qemu", metavar="QEMU")
    arguments = parser.parse_args()

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    work = arguments.keep or pathlib.Path(tempfile.mkdtemp(prefix="check-failover."))
    work.mkdir(exist_ok=True)
    try:
        for scenario in SCENARIOS:
            if arguments.only in (None, scenario.name):
                started = time.monotonic()
                play(arguments.colo_perf, arguments.qemu, scenario, work)
                print(f"# {scenario.name} took {time.monotonic() - started:.0f} s", flush=True)
    finally:
        if not arguments.keep:
            shutil.rmtree(work)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
