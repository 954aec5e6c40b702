#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Records a program in every form that perf on this machine can write, and holds what colo-perf
reports of each against what `perf script` prints of the same file.

Then what perf itself cannot read: recordings whose perf was killed, whose formats then come from
another recording, from a text, or from this machine; and from a machine that has other
probes by now.

It needs root, gcc and sys/sdt.h. It registers probes of its own, takes them back, and
prints TAP.

usage: check-forms.py [--colo-perf PROGRAM]
"""

import argparse
import itertools
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import typing

sys.dont_write_bytecode = True
import perf_script  # pylint: disable=wrong-import-position
from workload_record import CHAINS, GROUP, Probes, Programs, TRACEFS, on_machine_without_probes, run  # pylint: disable=wrong-import-position
from tap import check, finish, skip  # pylint: disable=wrong-import-position

CHECKPOINTS = 12
ENDLESS = 1_000_000
RAM_US = 5000
TIMEOUT_S = 120


def wait_until(condition, what):
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"waited {TIMEOUT_S} s for {what}")
        time.sleep(0.05)


def places_of(program):
    """[(event, "file:offset arguments")] of the registered probes of a program."""
    lines = (TRACEFS / "uprobe_events").read_text(encoding="utf-8").splitlines()
    return [(line.split()[0].removeprefix(f"p:{GROUP}/"), line.split(" ", 1)[1])
            for line in lines if f" {program}:" in line]


class Form(typing.NamedTuple):
    name: str
    options: typing.Tuple[str, ...] = ()
    pipe: bool = False  # what perf writes goes through a pipe
    perf_reads: bool = True


FORMS = (
    Form("file"),
    Form("compressed", ("-z",)),
    Form("compressed as far as it goes", ("-z22",)),
    Form("compressed, a small buffer", ("-z", "-m", "16")),
    Form("pipe", pipe=True),
    # perf 6.1 itself stops at the first compressed record of a pipe that holds half a record.
    Form("compressed pipe", ("-z",), pipe=True, perf_reads=False),
    Form("directory", ("--threads",)),
    Form("compressed directory", ("--threads", "-z")),
    Form("build-ids in MMAP2", ("--buildid-mmap",)),
    Form("READ records", ("-s",)),
    Form("namespaces, cgroups, switches", ("--namespaces", "--all-cgroups", "--switch-events")),
    Form("addresses and physical ones", ("-d", "--phys-data", "--data-page-size")),
    Form("weights, transactions, identifiers", ("-W", "--transaction", "--sample-identifier")),
    Form("registers", ("-I", "--user-regs=ip,sp")),
    Form("a clock", ("-k", "CLOCK_MONOTONIC_RAW")),
    Form("all CPUs", ("-a",)),
)


class Report:
    """What colo-perf says of a recording."""

    def __init__(self, program, path, *options, stdin=None, without_probes=False):
        command = [program, "report", "--json", *options, str(path)]
        done = subprocess.run(on_machine_without_probes(*command) if without_probes else command,
                              stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              encoding="utf-8", check=False)
        self.status, self.error = done.returncode, done.stderr.strip()
        self.json = json.loads(done.stdout) if done.stdout else None

    @property
    def recording(self):
        return self.json["recordings"][0]

    def warnings(self):
        return {warning["code"] for warning in self.json["warnings"]} - {"no_symbols"}

    def windows(self):
        """{seq: (begin, end)} of the primary's ram phases."""
        return {one["seq"]: (one["phases"]["ram"]["begin_ns"], one["phases"]["ram"]["end_ns"])
                for one in self.json["sessions"][0]["checkpoints"] if one["state"] == "complete"}


def windows_of(hits):
    begins = {hit.arguments[1]: hit.time_ns for hit in hits if hit.probe == "colo_ram_begin"}
    return {hit.arguments[1]: (begins[hit.arguments[1]], hit.time_ns)
            for hit in hits if hit.probe == "colo_ram_end" and hit.arguments[1] in begins}


SAMPLE_LINE = re.compile(r"^\s*-?\d+ +\d+\.\d{9}: ")


def count_of_perf(path):
    """How many samples perf finds in a recording. Of pipes it prints the call chains as well."""
    lines = run("perf", "script", "--ns", "-F", "tid,time,event", "-i", path).splitlines()
    return sum(bool(SAMPLE_LINE.match(line)) for line in lines)


class Recorder:
    def __init__(self, programs, probes, work):
        self.programs, self.probes, self.work = programs, probes, work

    def command(self, options, output):
        # -N: no copies in ~/.debug.
        return ["perf", "record", "-q", "-N", "-e", CHAINS, *self.probes.select(), *options,
                "-o", str(output)]

    def workload(self):
        return ["--", str(self.programs.whole), "mix", str(CHECKPOINTS), str(RAM_US)]

    def record(self, form):
        """The path of the recording; NotImplementedError when this perf or kernel has no such form."""
        path = self.work / form.name.replace(" ", "-").replace(",", "")
        command = self.command(form.options, "-" if form.pipe else path) + self.workload()
        with open(path if form.pipe else os.devnull, "wb") as output:
            done = subprocess.run(command, stdout=output, stderr=subprocess.PIPE, check=False)
        if done.returncode:
            raise NotImplementedError(done.stderr.decode().strip().splitlines()[0])
        return path

    def record_killed(self, name, whole, *options):
        """As a perf leaves it that was killed while the program worked, once it has written more than `whole` has."""
        path = self.work / name
        command = self.command(options, path) + ["--", str(self.programs.whole), "mix", str(ENDLESS), str(RAM_US)]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as perf:
            wait_until(lambda: path.exists() and path.stat().st_size > whole.stat().st_size, f"{name} to grow")
            children = pathlib.Path(f"/proc/{perf.pid}/task/{perf.pid}/children")
            workload = [int(pid) for pid in children.read_text(encoding="utf-8").split()]
            perf.kill()
            for pid in workload:
                os.kill(pid, signal.SIGKILL)
        return path


def check_form(form, path, colo_perf):
    """A recording as it is, and through standard input where that can be."""
    report = Report(colo_perf, path)
    check(f"{form.name}: it is reported", report.status == 0, report.error)
    if report.status:
        return
    # Of all CPUs perf records the others' threads, too.
    allowed = {"throttled", "lost_records", "lost_samples"}
    check(f"{form.name}: nothing is missing", report.warnings() <= allowed, report.warnings() or "")
    windows = report.windows()
    check(f"{form.name}: all checkpoints are there", sorted(windows) == list(range(1, CHECKPOINTS + 1)),
          f"{len(windows)} of {CHECKPOINTS}")
    if form.perf_reads:
        n = count_of_perf(path)
        check(f"{form.name}: as many samples as perf script prints",
              report.recording["samples"] == n, f"{report.recording['samples']} of {n}")
        hits, _ = perf_script.read(path)
        check(f"{form.name}: as many hits", report.recording["probe_hits"] == len(hits))
        check(f"{form.name}: the ram phases begin and end when perf script says",
              windows == windows_of(hits))
    if path.is_file():
        with subprocess.Popen(["cat", path], stdout=subprocess.PIPE) as cat:
            piped = Report(colo_perf, "-", stdin=cat.stdout)
            cat.stdout.close()
        check(f"{form.name}: the same through a pipe",
              piped.status == 0 and piped.json["sessions"] == report.json["sessions"], piped.error)


def check_clock(path, colo_perf):
    """The time of the first hit is the time at which it was recorded."""
    report = Report(colo_perf, path)
    wall_s = report.json["sessions"][0]["origin_wall_ns"] / 1e9
    written_s = os.stat(path).st_mtime
    check("a clock: the first hit was when it was recorded", 0 <= written_s - wall_s < 60,
          f"{written_s - wall_s:.1f} s before perf ended")


def check_killed(recorder, colo_perf):
    """Formats from this machine, from a recording, from a text, from a copy, and from none."""
    whole = recorder.work / "file"
    path = recorder.record_killed("killed.data", whole)
    texts = recorder.work / "formats.txt"
    copy = recorder.work / "tracefs"
    copy.mkdir()
    with open(texts, "wb") as text:
        for event in recorder.probes.events:
            text.write((TRACEFS / "events" / GROUP / event / "format").read_bytes())
            (copy / GROUP / event).mkdir(parents=True)
            shutil.copyfile(TRACEFS / "events" / GROUP / event / "format",
                            copy / GROUP / event / "format")
    silent = subprocess.run(["perf", "script", "-i", path], stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL, check=False)
    check("killed: perf itself prints nothing", not silent.stdout)
    here = Report(colo_perf, path)
    check("killed: it is reported with the formats of this machine", here.status == 0, here.error)
    if here.status:
        return
    check("killed: the report says so", here.warnings() >= {"damaged", "formats_elsewhere"} and
          here.recording["formats_from"] == str(TRACEFS), here.warnings())
    check("killed: there are complete checkpoints", len(here.windows()) > 5, len(here.windows()))
    for name, source in (("a recording", whole), ("a text", texts), ("a copy of tracefs", copy)):
        there = Report(colo_perf, path, f"--formats={source}")
        check(f"killed: the same with the formats of {name}",
              there.status == 0 and there.json["sessions"] == here.json["sessions"], there.error)
    compressed = recorder.record_killed("killed-compressed.data", recorder.work / "compressed", "-z")
    there = Report(colo_perf, compressed)
    check("killed, compressed: complete checkpoints", there.status == 0 and
          len(there.windows()) > 5, there.error)
    piped = recorder.record_killed("killed-pipe.data", whole, "--no-buffering")
    there = Report(colo_perf, piped)
    check("killed, without buffering: it is reported", there.status == 0, there.error)


def register(lines):
    # Never O_TRUNC, which would remove those of others.
    uprobe_events = os.open(TRACEFS / "uprobe_events", os.O_WRONLY | os.O_APPEND)
    try:
        for line in lines:
            os.write(uprobe_events, f"{line}\n".encode())
    finally:
        os.close(uprobe_events)


def check_doubled(name, recorder, path, select, colo_perf):
    """Each probe is recorded through two events: as if through one, and said so."""
    run("perf", "record", "-q", "-N", "-o", path, *select, *recorder.workload())
    report = Report(colo_perf, path)
    hits = report.recording["probe_hits"]
    check(f"{name}: half of the hits came again", report.recording["duplicate_hits"] == hits / 2 > 0,
          f"{report.recording['duplicate_hits']} of {hits}")
    check(f"{name}: that is all there is to say", report.warnings() == {"duplicate_hits"},
          report.warnings())
    sessions = report.json["sessions"]
    check(f"{name}: one session with all checkpoints",
          len(sessions) == 1 and sorted(report.windows()) == list(range(1, CHECKPOINTS + 1)),
          f"{len(sessions)} sessions, {len(report.windows())} checkpoints")
    check(f"{name}: each request for a checkpoint counts once",
          sum(sessions[0]["trigger_hits"].values()) == CHECKPOINTS, sessions[0]["trigger_hits"])


def free_names(events):
    """As perf itself calls a second one, or a third: somebody else may have the second."""
    taken = set(re.findall(rf"^p:{GROUP}/(\S+)", (TRACEFS / "uprobe_events").read_text(encoding="utf-8"),
                           re.MULTILINE))
    bases = (re.sub(r"_\d+$", "", event) for event in events)
    return [next(name for i in itertools.count(1) for name in [f"{base}_{i}"] if name not in taken)
            for base in bases]


def check_twice(recorder, places, colo_perf):
    select = recorder.probes.select()
    check_doubled("selected twice", recorder, recorder.work / "selected-twice",
                  select + select, colo_perf)
    again = free_names(event for event, _ in places)
    try:
        register(f"p:{GROUP}/{name} {place}" for name, (_, place) in zip(again, places))
        more = [word for name in again for word in ("-e", f"{GROUP}:{name}")]
        check_doubled("registered twice", recorder, recorder.work / "registered-twice",
                      select + more, colo_perf)
    finally:
        for name in again:
            recorder.probes.remove(name)


def check_missing_file(directory, colo_perf):
    """The last file of a directory is gone: only perf's command line tells that there was one."""
    last = max(directory.glob("data.*"))
    last.unlink()
    report = Report(colo_perf, directory)
    said = report.json["warnings"][0]["message"] if report.json else report.error
    check("directory: a file that is gone is missed", last.name in said, said)


def check_other_probes(path, places, probes, colo_perf):
    """Once the probes were registered anew, in another order, their ids mean others."""
    try:
        register(f"p:{GROUP}/{event} {place}" for event, place in reversed(places))
        there = Report(colo_perf, path)
        check("other probes: the formats of this machine are refused",
              there.status == 1 and "are not the same" in there.error and "--formats" in there.error
              and len(there.error.splitlines()) == 1, there.error)
    finally:
        for event, _ in places:
            probes.remove(event)


def check_none(path, colo_perf):
    there = Report(colo_perf, path, without_probes=True)
    check("no probes: one line says what to do", there.status == 1 and "--formats" in there.error and
          len(there.error.splitlines()) == 1, there.error)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--colo-perf", default="build/colo-perf", type=os.path.abspath)
    colo_perf = parser.parse_args().colo_perf
    work = pathlib.Path(tempfile.mkdtemp(prefix="check-forms-"))
    try:
        programs = Programs(work)
        with Probes(programs.whole, work) as probes:
            recorder = Recorder(programs, probes, work)
            places = places_of(programs.whole)
            for form in FORMS:
                try:
                    path = recorder.record(form)
                except NotImplementedError as error:
                    skip(form.name, f"this machine cannot: {error}")
                    continue
                check_form(form, path, colo_perf)
            check_clock(work / "a-clock", colo_perf)
            check_twice(recorder, places, colo_perf)
            check_missing_file(work / "directory", colo_perf)
            check_killed(recorder, colo_perf)
            probes.take_back()
            check_none(work / "killed.data", colo_perf)
            check_other_probes(work / "killed.data", places, probes, colo_perf)
        check("nothing is left registered", not probes.left, probes.left or "")
    finally:
        shutil.rmtree(work)
    sys.exit(finish())


if __name__ == "__main__":
    main()
