#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""`colo-perf live` of a program with QEMU's probes, of a stream, and of a pair, held against what
`colo-perf report` says of recordings of the same hits; its ends; its terminal view in tmux.

It needs root, gcc, sys/sdt.h, perf and tmux; with --qemu it runs a pair. It takes back what it
registers, and prints TAP.

usage: check-live.py [--colo-perf PROGRAM] [--qemu QEMU]
"""

import argparse
import contextlib
import json
import os
import pathlib
import re
import select
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
from workload_record import Probes, Programs, ROOT, TRACEFS, run  # pylint: disable=wrong-import-position
sys.path.insert(0, str(ROOT / "scripts"))
import colo_pair  # pylint: disable=wrong-import-position
from tap import check, finish  # pylint: disable=wrong-import-position

ENDLESS = 1_000_000
# Two sessions of perf take the time of the same hit one after the other.
STAMPS_NS = 100_000
TIMEOUT_S = 60

def wait_until(condition, timeout_s=TIMEOUT_S):
    """What the condition gives once it is true; what it gave last when it never was."""
    deadline = time.monotonic() + timeout_s
    while not (value := condition()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return value


# --- The program and what watches it ---

@contextlib.contextmanager
def workload(program, checkpoints, ram_us, wait_us):
    """A paced program that waits for go() before it makes its COLO thread."""
    with subprocess.Popen([program, "-w", "paced", str(checkpoints), str(ram_us), str(wait_us)],
                          stdin=subprocess.PIPE) as child:
        def go():
            child.stdin.write(b"\n")
            child.stdin.flush()
        child.go = go
        try:
            yield child
        finally:
            child.kill()


class Live:
    """colo-perf live with its output in files."""

    def __init__(self, colo_perf, work, *arguments, **options):
        self.out, self.log = work / "live.out", work / "live.log"
        with open(self.out, "wb") as out, open(self.log, "wb") as log:
            self.child = subprocess.Popen([colo_perf, "live", *map(str, arguments)], stdout=out,
                                          stderr=log, **options)

    def messages(self):
        return self.log.read_text(encoding="utf-8")

    def wait_for_start(self):
        started = wait_until(lambda: "watching" in self.messages() or self.child.poll() is not None)
        if not started or self.child.poll() is not None:
            raise RuntimeError(f"live did not begin: {self.messages()}")

    def values(self):
        """What it has printed so far: whole lines."""
        text = self.out.read_text(encoding="utf-8")
        return [json.loads(line) for line in text[:text.rfind("\n") + 1].splitlines()]

    def counts(self):
        return [value["return"]["tot_num"] for value in self.values() if "return" in value]

    def wait_for_count(self, number):
        return wait_until(lambda: any(count >= number for count in self.counts()))

    def end(self, number=None):
        """(status, intervals, report) after this signal, or when it ends by itself."""
        if number:
            self.child.send_signal(number)
        try:
            status = self.child.wait(TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.child.kill()
            return None, [], None
        values = self.values()
        report = values.pop() if values and "schema_version" in values[-1] else None
        return status, values, report


STATISTICS = ("role", "number", "pid", "tid", "exit", "states", "first_seq", "last_seq",
              "recorder", "phases", "amounts", "triggered_by", "trigger_hits", "anomalies")


def statistics(report):
    return [{name: session.get(name) for name in STATISTICS} for session in report["sessions"]]


def report_of(colo_perf, path):
    return json.loads(run(colo_perf, "report", "--json", path))


def registered(program):
    """The lines of uprobe_events that are of this program, or of a descriptor of somebody who has ended."""
    events = TRACEFS / "uprobe_events"
    text = events.read_text(encoding="utf-8") if events.exists() else ""
    found = []
    for line in text.splitlines():
        path = line.split()[1].split(":0x")[0]
        ended = path.startswith("/proc/") and not os.path.exists(path)
        if ended or os.path.realpath(path) == os.path.realpath(program):
            found.append(line)
    return found


def taken_back(program, colo_perf, before=()):
    """Whether nothing of the program is registered but what was before. Others who record at this time may hold it for
    a while, or begin and need it perhaps; then the next one takes it back."""
    if wait_until(lambda: set(registered(program)) <= set(before), 5):
        return True
    if not list(pathlib.Path("/run/colo-perf").glob("user.*")):
        return False
    wait_until(lambda: not list(pathlib.Path("/run/colo-perf").glob("user.*")))
    run(colo_perf, "record", "--check")
    return set(registered(program)) <= set(before)


# --- Streams ---

@contextlib.contextmanager
def stream_of(colo_perf, options, path, work):
    """live on what perf record writes, of which the same bytes go into a file."""
    command = ["perf", "record", "-q", "-N", "-k", "CLOCK_MONOTONIC", "-o", "-", *map(str, options)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as perf, \
            subprocess.Popen(["tee", path], stdin=perf.stdout, stdout=subprocess.PIPE) as tee:
        live = Live(colo_perf, work, "-i", "-", "--interval", "0.2", stdin=tee.stdout)
        tee.stdout.close()
        perf.stdout.close()
        yield live


def check_stream(colo_perf, program, probes, work, options):
    """The same bytes go into a file and into live: the same numbers come out."""
    path = work / "stream.data"
    name = " ".join(("perf record -o -", *options))
    with stream_of(colo_perf, [*options, *probes.select(), "--", program, "paced", "40", "3000", "20000"],
                   path, work) as live:
        status, intervals, report = live.end()
    expected = statistics(report_of(colo_perf, path))
    found = statistics(report) if report else None
    check(f"{name}: live ends with the report of the same bytes", status == 0 and found == expected
          and expected and expected[0]["states"]["complete"] == 40 and not report["warnings"],
          f"status {status}, {live.messages()}")
    counts = [interval["return"]["tot_num"] for interval in intervals]
    check(f"{name}: it was counted as it came", counts == sorted(counts) and
          (("--no-buffering" not in options) or any(0 < count < 40 for count in counts)), counts)


def check_bad_streams(colo_perf, probes, program, work):
    path = work / "file.data"
    run("perf", "record", "-q", "-N", *probes.select(), "-o", path, "--", program, "paced", "3",
        "1000", "1000")
    with subprocess.Popen(["cat", path], stdout=subprocess.PIPE) as cat:
        live = Live(colo_perf, work, "-i", "-", stdin=cat.stdout)
        status, _, report = live.end()
    check("a file in a pipe is refused in one line", status == 1 and not report and
          "name the file" in live.messages() and live.messages().count("\n") == 1, live.messages())
    live = Live(colo_perf, work, "-i", path)
    status, _, report = live.end()
    check("a file that is named is read", status == 0 and
          statistics(report) == statistics(report_of(colo_perf, path)), live.messages())


# --- Processes ---

@contextlib.contextmanager
def perf_record(work, *options):
    """perf record whose events are on: it acknowledges that it has enabled them."""
    control, answer = work / "control", work / "answer"
    for fifo in (control, answer):
        os.mkfifo(fifo)
    command = ["perf", "record", "-q", "-N", "-k", "CLOCK_MONOTONIC", "-D", "-1", f"--control=fifo:{control},{answer}",
               *map(str, options)]
    # Opened for both, so that neither waits for perf.
    with open(control, "r+b", buffering=0) as commands, open(answer, "r+b", buffering=0) as answers, \
            subprocess.Popen(command) as perf:
        commands.write(b"enable\n")
        if not select.select([answers], [], [], TIMEOUT_S)[0]:
            raise RuntimeError("perf record does not say that its events are on")
        yield perf


def check_beside_recording(colo_perf, program, probes, work):
    """perf record and live watch the same process: the same hits, each with its own stamp."""
    path = work / "beside.data"
    with workload(program, 40, 3000, 20000) as child:
        live = Live(colo_perf, work, "-p", child.pid, "--interval", "0.25")
        live.wait_for_start()
        with perf_record(work, *probes.select(), "-p", child.pid, "-o", path) as perf:
            child.go()
            child.wait()
            status, intervals, report = live.end()
            perf.wait()
    expected = report_of(colo_perf, path)
    compare(report, expected, "a process", status, live)
    counts = [interval["return"]["tot_num"] for interval in intervals]
    check("live of a process: it was counted as it came",
          counts == sorted(counts) and any(0 < count < 40 for count in counts), counts)
    session = report["sessions"][0]
    check("the report at the end names process and thread",
          session["process"] == "colo-workload" and session["thread"] == "live_migration",
          f"{session['process']}, {session['thread']}")


def check_others(colo_perf, program, work):
    """Two processes of the same program hit the same probes, and each is watched for itself."""
    others_work = work / "others"
    others_work.mkdir()
    with workload(program, 5, 1000, 10000) as child, workload(program, ENDLESS, 1000, 1000) as other:
        live = Live(colo_perf, work, "-p", child.pid, "--interval", "0.2")
        others_live = Live(colo_perf, others_work, "-p", other.pid, "--interval", "0.2")
        live.wait_for_start()
        others_live.wait_for_start()
        other.go()
        others_live.wait_for_count(3)
        child.go()
        status, _, report = live.end()
        others_status, _, others_report = others_live.end(signal.SIGINT)
    sessions, others = ([(session["pid"], session["states"]["complete"]) for session in one["sessions"]] if one else []
                        for one in (report, others_report))
    check("live of a process: the hits of another one are not its own",
          status == 0 and sessions == [(child.pid, 5)], f"status {status}, {sessions}")
    check("... which has its own", others_status == 0 and len(others) == 1 and others[0][0] == other.pid
          and others[0][1] > 5, f"status {others_status}, {others}")


def compare(report, expected, what, status, live):
    """What both saw: the same checkpoints, amounts and triggers; times but for the stamps."""
    ok, wrong = status == 0 and report is not None, []
    for found, other in zip(report["sessions"] if ok else [], expected["sessions"]):
        for member in ("role", "states", "first_seq", "last_seq", "amounts", "anomalies"):
            if found[member] != other[member]:
                wrong.append((member, found[member], other[member]))
        for phase, theirs in zip(found["phases"], other["phases"]):
            if phase["n"] != theirs["n"] or \
                    abs(phase["total_ns"] - theirs["total_ns"]) > STAMPS_NS * max(phase["n"], 1):
                wrong.append((phase["name"], phase["n"], phase["total_ns"], theirs["total_ns"]))
    ok = ok and len(report["sessions"]) == len(expected["sessions"]) > 0 and not wrong
    check(f"live of {what} beside perf record: the same checkpoints, times within "
          f"{STAMPS_NS // 1000} us a phase", ok, wrong or live.messages())


def check_reset(colo_perf, program, work):
    with workload(program, ENDLESS, 3000, 50000) as child:
        live = Live(colo_perf, work, "-p", child.pid, "--interval", "0.1")
        live.wait_for_start()
        child.go()
        live.wait_for_count(10)
        before = len(live.values())
        live.child.send_signal(signal.SIGUSR1)
        wait_until(lambda: any(c < 5 for c in live.counts()[before:]))
        wait_until(lambda: live.counts()[-1] >= 5)
        status, intervals, report = live.end(signal.SIGTERM)
    counts = [interval["return"]["tot_num"] for interval in intervals]
    drop = max((i for i in range(1, len(counts)) if counts[i] < counts[i - 1]), default=0)
    check("SIGUSR1 starts a new count", status == 0 and drop > 0 and
          counts[:drop] == sorted(counts[:drop]) and counts[drop:] == sorted(counts[drop:]), counts)
    session = report["sessions"][0]
    first, last = session["first_seq"], session["last_seq"]
    check("the new count begins with the next checkpoint that begins",
          first >= counts[drop - 1] + 1 and session["recorder"]["tot_num"] == last - first + 1 and
          session["recorder"]["init_time"] is not None and not report["warnings"],
          f"{counts[drop - 1]} before, seq {first} to {last}")


def check_count(colo_perf, program, work):
    with workload(program, ENDLESS, 1000, 10000) as child:
        child.go()
        live = Live(colo_perf, work, "-p", child.pid, "--count", "3", "--interval", "0.3", "--json")
        status, intervals, report = live.end()
    check("--count ends it after so many intervals, in the middle of COLO",
          status == 0 and len(intervals) == 3 and report["sessions"][0]["states"]["complete"] > 0,
          f"status {status}, {len(intervals)} intervals, {live.messages()}")


def check_nothing_seen(colo_perf, program, work):
    with workload(program, 1, 1000, 1000) as child:
        live = Live(colo_perf, work, "-p", child.pid)
        live.wait_for_start()
        status, intervals, report = live.end(signal.SIGINT)
    check("without a checkpoint it ends with status 3 and the reason",
          status == 3 and not intervals and not report and
          "no checkpoint was seen" in live.messages(), f"status {status}, {live.messages()}")


def check_end(colo_perf, program, work, how):
    """Whatever ends it: the report comes, and nothing stays registered."""
    with workload(program, ENDLESS, 1000, 100000) as child:
        live = Live(colo_perf, work, "-p", child.pid, "--interval", "0.2")
        live.wait_for_start()
        own = len(registered(program))
        child.go()
        live.wait_for_count(3)
        if how == signal.SIGKILL:
            child.kill()
            status, _, report = live.end()
        else:
            status, _, report = live.end(how)
    states = report["sessions"][0]["states"] if report else {}
    name = "the end of the process" if how == signal.SIGKILL else how.name
    check(f"{name} ends it with the report", status == 0 and states.get("complete", 0) >= 3,
          f"status {status}, {states}, {live.messages()}")
    check(f"nothing stays registered after {name}", own > 0 and taken_back(program, colo_perf),
          f"{own} before")


def check_reader_gone(colo_perf, program, work):
    with workload(program, ENDLESS, 1000, 20000) as child, open(work / "gone.log", "wb") as log:
        child.go()
        with subprocess.Popen([colo_perf, "live", "-p", str(child.pid), "--interval", "0.1"],
                              stdout=subprocess.PIPE, stderr=log) as live:
            live.stdout.readline()
            live.stdout.close()
            status = live.wait(TIMEOUT_S)
    message = (work / "gone.log").read_text(encoding="utf-8").splitlines()[-1]
    check("it ends when nobody reads its lines", status == 1 and "standard output" in message,
          f"status {status}, {message}")


# --- The terminal ---

class Terminal:
    """A tmux of our own with one window."""

    def __init__(self, work, width, height):
        self.socket = f"colo-perf-{os.getpid()}"
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", str(width), "-y", str(height),
                  "env PS1='ready> ' bash --norc --noprofile", cwd=work)

    def tmux(self, *arguments, **options):
        return run("tmux", "-L", self.socket, *arguments, **options)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.tmux("kill-server")

    def send(self, *keys):
        self.tmux("send-keys", *keys)

    def resize(self, width, height):
        self.tmux("resize-window", "-x", str(width), "-y", str(height))

    def screen(self, *options):
        return self.tmux("capture-pane", "-p", *options)

    def wait_for(self, pattern):
        """The screen once the pattern is on it, otherwise None."""
        found = wait_until(lambda: re.search(pattern, self.screen()), 20)
        return self.screen() if found else None

    def widest(self):
        return max(map(len, self.screen().splitlines()))


def tot_num(screen):
    match = re.search(r"^tot_num +(\d+)", screen or "", re.M)
    return int(match.group(1)) if match else -1


def last_seq(screen):
    match = re.search(r"^last +seq (\d+)", screen or "", re.M)
    return int(match.group(1)) if match else -1


# What the program's one side has, in the order of the table.
PHASES = ["checkpoint", "pause", "  request", "  stop", "  block", "  dev", "  ram", "  vmstate", "  received", "  net",
          "  loaded", "  resume", "  other", "wait"]
FIELDS = ["tot_time", "tot_num", "avg_time", "init_time", "wait_time", "stat_time", "dev_time", "ram_time",
          "vmstate_time", "ram_size", "dev_size"]
KEYS = "q quit  r reset  p pause"


def rows(screen):
    """The names of the rows between the titles and the keys."""
    lines = (screen or "").splitlines()
    return [re.match(r" *\w+", line).group() for line in lines if re.match(r" *\w+ +[-\d]", line)
            and not re.match(r"(now|last) ", line)]


def check_terminal(colo_perf, program, work):
    with workload(program, ENDLESS, 3000, 60000) as child, Terminal(work, 80, 24) as terminal:
        command = f"{colo_perf.resolve()} live -p {child.pid} --interval 0.2"
        terminal.send(command, "Enter")
        check("terminal: it waits for COLO", terminal.wait_for("no COLO probe was hit yet"))
        child.go()
        screen = terminal.wait_for(r"last +seq [1-9]")
        missing = [word for word in (f"primary pid {child.pid}", "now", "stddev", "p99", " 0 lost",
                                     KEYS + "  v recorder") if word not in (screen or "")]
        check("terminal: 80 x 24 show all phases of a side and all of their figures",
              screen and not missing and rows(screen) == PHASES, missing or screen)
        check("terminal: it changes in place", wait_until(
            lambda: last_seq(terminal.screen()) > last_seq(screen) + 3) and
              terminal.screen().count("checkpoint") == 1)
        check("terminal: it is coloured", "\033[" in terminal.screen("-e"))
        check_terminal_pages(terminal)
        check_terminal_keys(terminal)
        check_terminal_sizes(terminal)
        check_terminal_ends(terminal, command)


def check_terminal_pages(terminal):
    """Each key that shows what is hidden, and keys whose bytes hold letters that mean something else."""
    terminal.send("v")
    screen = terminal.wait_for("v first page")
    check("terminal: v shows the recorder's fields", rows(screen) == FIELDS and last_seq(screen) > 0, screen)
    terminal.send("Tab")
    screen = terminal.wait_for("v recorder")
    check("terminal: Tab shows the first page behind the last one", rows(screen) == PHASES, screen)
    terminal.send("Up")
    screen = terminal.wait_for("v first page")
    check("terminal: the arrow up shows the page before", rows(screen) == FIELDS, screen)
    terminal.send("Escape", "Escape", "F1", "F2", "F3", "M-q", "NPage")
    screen = terminal.wait_for("v recorder")
    check("terminal: F1, F2 and F3 are no P, Q and R",
          screen and "PAUSED" not in screen and "counting for" not in screen, screen)


def check_terminal_keys(terminal):
    terminal.send("p")
    frozen = terminal.wait_for("PAUSED")
    time.sleep(1)
    same = terminal.screen() == frozen
    terminal.send("v")
    second = terminal.wait_for("v first page")
    check("terminal: the pages of a view that is paused are of one moment",
          second and last_seq(second) == last_seq(frozen), second)
    terminal.send("v")
    terminal.wait_for("v recorder")
    terminal.resize(80, 50)
    terminal.wait_for("dev_size")
    frozen_high = terminal.screen()
    terminal.send("p")
    check("terminal: p freezes the view and not the count", frozen and same
          and last_seq(frozen_high) == last_seq(frozen) and wait_until(
              lambda: tot_num(terminal.screen()) > tot_num(frozen_high) + 5, 20))
    terminal.send("r")
    screen = terminal.wait_for("counting for")
    check("terminal: r starts a new count", screen and
          wait_until(lambda: 0 <= tot_num(terminal.screen()) < tot_num(frozen_high), 5),
          screen and tot_num(screen))


def check_terminal_sizes(terminal):
    terminal.resize(60, 20)
    screen = terminal.wait_for("v recorder") if wait_until(lambda: terminal.widest() <= 60) else ""
    check("terminal: 60 x 20 have room for all phases", screen and terminal.widest() <= 60 and
          "p99" in screen and rows(screen) == PHASES and KEYS in screen, screen)
    terminal.resize(120, 50)
    screen = terminal.wait_for(r"phase, ms .*recorder .*primary\n")
    check("terminal: in 120 x 50 the tables stand side by side, and nothing is hidden",
          screen and re.search(r"^checkpoint .* tot_time ", screen, re.M) and rows(screen) == PHASES
          and "dev_size" in screen and f"{KEYS}\n" in screen, screen)
    terminal.resize(80, 12)
    screen = terminal.wait_for("v 8 more phases, recorder")
    check("terminal: what does not fit is said", screen and rows(screen) == PHASES[:6], screen)
    terminal.resize(80, 50)
    terminal.wait_for("dev_size")


def check_terminal_ends(terminal, command):
    terminal.send("C-z")
    stopped = terminal.wait_for("Stopped")
    terminal.send("fg", "Enter")
    check("terminal: Ctrl-Z gives the terminal back, fg takes it again",
          stopped and "ready>" in stopped and "tot_num" not in stopped and
          terminal.wait_for(r"(?s)colo-perf live \d.*tot_num"), stopped)
    terminal.send("q")
    screen = terminal.wait_for(r"(?s)pause .*ready>\s*$")
    terminal.send("stty -a", "Enter")
    check("terminal: q ends with the report, and the terminal is as before",
          screen and "q quit" not in screen and terminal.wait_for(" icanon ") and
          re.search(r"(?<!-)\becho\b", terminal.screen()), screen)
    terminal.send("clear; NO_COLOR=1 " + command, "Enter")
    # The report of the one before has a tot_num too.
    shown = terminal.wait_for(r"(?s)tot_num +[1-9].*q quit")
    check("terminal: no colour with NO_COLOR", shown and "\033[" not in terminal.screen("-e"))
    terminal.send("C-c")
    screen = terminal.wait_for(r"(?s)pause .*ready>\s*$")
    terminal.send("echo status $?", "Enter")
    check("terminal: Ctrl-C ends with the report and status 0",
          screen and terminal.wait_for("status 0"), screen)


# --- A pair ---

# Both sides' phases, in the order of the table.
PAIR_PHASES = ["checkpoint", "pause", "  request", "  stop", "  reply", "  block", "  dev", "  ram", "  vmstate", "  received",
               "  flush", "  net", "  loaded", "  resume", "  other", "wait"]


def check_pair_terminal(colo_perf, options, work):
    """What a new user sees of a pair without pressing a key, and behind which key the rest is."""
    with Terminal(work, 80, 24) as terminal:
        terminal.send(" ".join([str(colo_perf), "live", *options, "--interval 0.2"]), "Enter")
        screen = terminal.wait_for(r"last +seq \d+, .* seq \d+, ")
        check("terminal: 80 x 24 show all phases of a pair", screen and rows(screen) == PAIR_PHASES and
              f"{KEYS}  s side  v recorder\n" in screen, screen)
        terminal.resize(60, 20)
        screen = terminal.wait_for("v other, wait, recorder")
        check("terminal: 60 x 20 show those within a checkpoint", screen and terminal.widest() <= 60 and
              rows(screen) == PAIR_PHASES[:-2], screen)
        terminal.send("s", "s")
        screen = terminal.wait_for("s both")
        check("terminal: s shows one side", screen and "secondary pid" in screen and "primary pid" not in screen and
              "  request" not in screen, screen)
        terminal.send("q")
        terminal.wait_for(r"ready>\s*$")


def check_pair(colo_perf, qemu, work):
    """Both sides of a real pair, beside a recording of it, and a stream."""
    path, before = work / "pair.data", registered(qemu)
    stream_work = work / "stream"
    stream_work.mkdir()
    stream_path = stream_work / "pair.data"
    with colo_pair.Pair(qemu, work / "pair", "--accel", "tcg", gate=True) as pair:
        pids = [pair.pid(side) for side in colo_pair.SIDES]
        options = [word for pid in pids for word in ("-p", str(pid))]
        with open(work / "record.log", "wb") as log, \
                subprocess.Popen([colo_perf, "record", "--quiet", *options, "-F", "0", "-o", path],
                                 stdout=subprocess.PIPE, stderr=log) as recorder:
            recorder.stdout.readline()
            with stream_of(colo_perf, ["--no-buffering", "-e", "sdt_qemu:*", "-p", ",".join(map(str, pids))],
                           stream_path, stream_work) as stream:
                wait_until(lambda: stream_path.exists() and stream_path.stat().st_size > 0)
                live = Live(colo_perf, work, *options, "--interval", "0.5")
                live.wait_for_start()
                pair.open_gate()
                live.wait_for_count(12)
                check_pair_terminal(colo_perf, options, work)
                # All see the end of COLO, as the processes end.
                for pid in pids:
                    os.kill(pid, signal.SIGKILL)
                status, intervals, report = live.end()
                stream_status, _, stream_report = stream.end()
            recorder.wait()
    compare(report, report_of(colo_perf, path), "a pair", status, live)
    ids = {interval["id"] for interval in intervals}
    check("live of a pair: a line for each side", ids == {"primary", "secondary"}, ids)
    expected = statistics(report_of(colo_perf, stream_path))
    check("live of a pair's stream: to the nanosecond what the recording of it has, from its first checkpoint on",
          stream_status == 0 and len(expected) == 2 and statistics(stream_report) == expected
          and all(session["first_seq"] == 1 and session["states"]["complete"] >= 12 for session in expected),
          stream.messages() or [session["states"] for session in expected])
    check("live of a pair: nothing more stays registered than before",
          taken_back(qemu, colo_perf, before))


def run_checks(colo_perf, qemu, work):
    programs = Programs(work)
    program = programs.whole
    with Probes(program, work) as probes:
        check_stream(colo_perf, program, probes, work, ["--no-buffering"])
        check_stream(colo_perf, program, probes, work, ["-z", "-m", "64K"])
        check_bad_streams(colo_perf, probes, program, work)
        check_beside_recording(colo_perf, program, probes, work)
        check_others(colo_perf, program, work)
        check_reset(colo_perf, program, work)
        check_count(colo_perf, program, work)
        check_nothing_seen(colo_perf, program, work)
        check_reader_gone(colo_perf, program, work)
        check_terminal(colo_perf, program, work)
    for how in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        check_end(colo_perf, program, work, how)
    if qemu:
        check_pair(colo_perf, qemu, work)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--colo-perf", type=pathlib.Path, default=ROOT / "build" / "colo-perf")
    parser.add_argument("--qemu", type=pathlib.Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        run_checks(arguments.colo_perf.resolve(), arguments.qemu, pathlib.Path(work))
    sys.exit(finish())


if __name__ == "__main__":
    main()
