# SPDX-License-Identifier: GPL-2.0-or-later
"""Builds colo-workload in its forms, records it with perf, reads what colo-perf says of that.

The probes are those of QEMU's patch, in one library that all forms of the program share; they
are registered while `with Probes(...)` lasts. What has to hold is in
check-profiles-of-workload.py.
"""

import collections
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import typing

sys.dont_write_bytecode = True
import perf_script  # pylint: disable=wrong-import-position

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
COLO_PERF = ROOT / "build" / "colo-perf"
TRACEFS = pathlib.Path("/sys/kernel/tracing")
DEBUGFS = pathlib.Path("/sys/kernel/debug")  # has a tracefs of its own
GROUP = "sdt_qemu"
RATE = 1999  # samples a second of CPU time
CHAINS = f"cpu-clock/freq={RATE},call-graph=fp/"
STACKS = f"cpu-clock/freq={RATE},call-graph=dwarf/"


def run(*command, **options):
    """The standard output of a command that must succeed."""
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, encoding="utf-8", check=False, **options)
    if done.returncode:
        raise RuntimeError(f"{command}: status {done.returncode}: {done.stderr}{done.stdout}")
    return done.stdout


# --- Building ---

CC = ["gcc", "-g", "-O2", "-Wall", "-Wextra", "-Werror", "-fno-optimize-sibling-calls", "-pthread"]
FRAME_POINTERS = ["-fno-omit-frame-pointer"]
PROBES = ["-DHAVE_SYS_SDT_H", "-DHOST_LONG_BITS=64"]


def extract_header(directory):
    """Takes migration/colo-probes.h out of the patch of QEMU."""
    patch = (ROOT / "qemu-patch" / "sdt-probes.patch").read_text(encoding="utf-8")
    added = re.search(r"^\+\+\+ b/migration/colo-probes\.h\n@@ .*\n((?:\+.*\n)+)", patch, re.M)
    lines = [line[1:] for line in added.group(1).splitlines()]
    (directory / "colo-probes.h").write_text("\n".join(lines) + "\n", encoding="utf-8")


def build_paced(directory):
    """Builds paced-workload, which waits for a line on its standard input; returns its path."""
    program = directory / "paced"
    extract_header(directory)
    run(*CC, *PROBES, f"-I{directory}", *FRAME_POINTERS, HERE / "paced-workload.c",
        HERE / "workload-probes.c", "-o", program)
    return program


class Programs:
    """What is recorded: colo-workload in several builds, and libraries."""

    def __init__(self, work):
        self.directory = work / "build"
        self.directory.mkdir()
        extract_header(self.directory)
        self.probes = self.directory / "libworkload-probes.so"
        self.compile(self.probes, ["workload-probes.c"], *FRAME_POINTERS, "-fPIC", "-shared")
        self.plain = self.program("plain", *FRAME_POINTERS)
        self.rebuilt = self.program("rebuilt", *FRAME_POINTERS, "-O1")
        self.exporting = self.program("exporting", *FRAME_POINTERS, "-rdynamic")
        self.without_id = self.program("without-id", *FRAME_POINTERS, "-Wl,--build-id=none")
        self.short_id = self.program("short-id", *FRAME_POINTERS, "-Wl,--build-id=md5")
        self.frameless = self.program("frameless", "-fomit-frame-pointer")
        # A whole program, as QEMU is, for colo-perf record.
        self.whole = self.place("whole")
        self.compile(self.whole, ["colo-workload.c", "workload-probes.c"], *FRAME_POINTERS)

    def compile(self, output, sources, *options):
        run(*CC, *PROBES, f"-I{self.directory}", *options,
            *(HERE / source for source in sources), "-o", output)

    def place(self, name):
        """Each build has the same name and a directory of its own."""
        (self.directory / name).mkdir()
        return self.directory / name / "colo-workload"

    def program(self, name, *options):
        path = self.place(name)
        run(*CC, *options, HERE / "colo-workload.c", "-o", path, self.probes)
        return path

    def copy(self, name, original):
        return pathlib.Path(shutil.copy(original, self.place(name)))

    def stripped(self, name, original):
        path = self.place(name)
        run("strip", "-o", path, original)
        return path

    def library(self, name, function):
        path = self.directory / f"{name}.so"
        self.compile(path, ["workload-library.c"], *FRAME_POINTERS, "-fPIC", "-shared",
                     f"-DWORK={function}")
        return path


# --- Probes ---

class Probes:
    """The probes of one file, registered while the context lasts.

    Whoever is the last to close a probe waits for the kernel, a tenth of a second for each. So
    one perf has them open all the time, and those that record need not wait.
    """

    def __init__(self, path, work):
        self.path, self.cache, self.log = path, work / "probes", work / "keeper.log"
        self.mounted, self.events, self.keeper = False, [], None
        self.left = None  # what was not taken back, once the context has ended

    def registered(self):
        lines = (TRACEFS / "uprobe_events").read_text(encoding="utf-8").splitlines()
        return sorted({line.split()[0].removeprefix(f"p:{GROUP}/")
                       for line in lines if f" {self.path}:" in line})

    def __enter__(self):
        try:
            self.register()
        except BaseException:
            self.take_back()
            raise
        return self

    def __exit__(self, *exception):
        self.take_back()
        self.left = self.registered()
        if self.mounted:
            run("umount", TRACEFS)

    def register(self):
        self.mounted = not (TRACEFS / "uprobe_events").exists()
        if self.mounted:
            run("mount", "-t", "tracefs", "tracefs", TRACEFS)
        run("perf", "--buildid-dir", self.cache, "buildid-cache", "--add", self.path)
        # -f: others may have registered the same names for another file.
        run("perf", "--buildid-dir", self.cache, "probe", "-q", "-f", "-a", f"{GROUP}:*")
        self.events = self.registered()
        self.keeper = subprocess.Popen(["perf", "stat", "-a", "-o", self.log, *self.select()])

    def take_back(self):
        """Nobody else may have them open any more."""
        if self.keeper:
            self.keeper.send_signal(signal.SIGINT)
            self.keeper.wait()
        for event in self.registered():
            self.remove(event)

    @staticmethod
    def remove(event):
        # Never O_TRUNC, which would remove those of others.
        uprobe_events = os.open(TRACEFS / "uprobe_events", os.O_WRONLY | os.O_APPEND)
        try:
            os.write(uprobe_events, f"-:{GROUP}/{event}\n".encode())
        except OSError as error:
            print(f"# {event}: {error}")
        finally:
            os.close(uprobe_events)

    def select(self):
        return [word for event in self.events for word in ("-e", f"{GROUP}:{event}")]


def on_machine_without_probes(*command):
    """The command, so that it finds nothing registered, whatever others have registered here."""
    hide = f"mount -t tmpfs none {TRACEFS} && {{ [ ! -d {DEBUGFS} ] || mount -t tmpfs none {DEBUGFS}; }} && exec \"$@\""
    return ["unshare", "--mount", "sh", "-c", hide, "-", *map(str, command)]


# --- Recording ---

class Case(typing.NamedTuple):
    name: str
    program: pathlib.Path
    arguments: typing.List[str]  # mode, checkpoints, microseconds, ...
    event: str = CHAINS
    options: typing.Tuple[str, ...] = ("-N",)  # of perf record; -N: no copies in ~/.debug


class Recording:
    """A recording, with what perf and the program itself say of it."""

    def __init__(self, case, path, output, home):
        self.case, self.path, self.output, self.home = case, path, output, home
        read = read_own if "-a" in case.options else perf_script.read
        self.hits, self.samples = read(path)
        if "call-graph" not in case.event:
            self.samples = single_addresses(path)
        begins = {(hit.pid, hit.arguments[1]): hit for hit in self.hits
                  if hit.probe == "colo_ram_begin"}
        self.windows = {hit.arguments[1]: (begins[hit.pid, hit.arguments[1]], hit)
                        for hit in self.hits if hit.probe == "colo_ram_end"}
        self.pids = {hit.pid for hit in self.hits}

    def in_window(self, sample, seq):
        begin, end = self.windows[seq]
        return begin.time_ns <= sample.time_ns < end.time_ns

    def in_ram(self, of=lambda sample, begin: sample.tid == begin.tid, after_seq=0):
        """The samples in the ram phase; without arguments of the thread that hits the probes."""
        return [sample for seq, (begin, _) in self.windows.items() if seq > after_seq
                for sample in self.samples if self.in_window(sample, seq) and of(sample, begin)]


def of_process(sample, begin):
    return sample.pid == begin.pid


def of_others(sample, begin):
    return sample.pid != begin.pid


def read_own(path):
    """What perf_script.read() gives, of the program alone: of tasks that end perf prints no pid."""
    lines = run(*perf_script.COMMAND, "--comms", "colo-workload,live_migration", "-i", path)
    events = [perf_script.parse_event(event) for event in perf_script.events_of(lines.splitlines())]
    return ([event for event in events if isinstance(event, perf_script.Hit)],
            [event for event in events if isinstance(event, perf_script.Sample)])


SINGLE = re.compile(r"^\s*(\d+)/(\d+)\s+(\d+)\.(\d{9}):\s+cpu-clock\S*:\s+([0-9a-f]+) (\S+)")


def single_addresses(path):
    """The samples of a recording without call chains: perf prints each in one line."""
    lines = run("perf", "script", "--ns", "-i", path, "-F", "pid,tid,time,event,ip,sym")
    samples = []
    for line in lines.splitlines():
        match = SINGLE.match(line)
        if match:
            pid, tid, seconds, nanoseconds, address, name = match.groups()
            frame = perf_script.Frame(int(address, 16), name, 0, "")
            samples.append(perf_script.Sample(int(seconds) * 10**9 + int(nanoseconds), int(pid),
                                              int(tid), "", 0, (frame,)))
    return samples


class Recorder:
    def __init__(self, probes, work):
        self.probes, self.work = probes, work

    def home_of(self, case):
        """Each recording has a home of its own, in which perf may keep copies of files."""
        home = self.work / "homes" / case.name
        home.mkdir(parents=True, exist_ok=True)
        return home

    def record(self, case):
        path, home = self.work / f"{case.name}.data", self.home_of(case)
        # The samples first: perf script unwinds no stack if the first event has none.
        output = run("perf", "record", "-q", "-k", "CLOCK_MONOTONIC", "-m", "4M", *case.options,
                     "-e", case.event, *self.probes.select(), "-o", path, "--",
                     case.program, *case.arguments, env=dict(os.environ, HOME=str(home)))
        return Recording(case, path, output, home)

    def attach(self, case):
        """Records a process that runs already, with colo-perf record."""
        path, home = self.work / f"{case.name}.data", self.home_of(case)
        with subprocess.Popen([case.program, "-w", *case.arguments], stdin=subprocess.PIPE,
                              stdout=subprocess.DEVNULL) as program:
            recorder = subprocess.Popen([COLO_PERF, "record", "--quiet", "-p", str(program.pid),
                                         "-F", str(RATE), "-e", "cpu-clock", "-o", path],
                                        stdout=subprocess.PIPE, encoding="utf-8")
            state = recorder.stdout.readline()
            program.stdin.write(b"\n")
            program.stdin.close()
            output = recorder.communicate()[0]
        if state != "state=recording\n" or recorder.returncode:
            raise RuntimeError(f"colo-perf record: status {recorder.returncode}: {state}{output}")
        return Recording(case, path, output, home)


# --- What colo-perf says ---

class Answer(typing.NamedTuple):
    stacks: collections.Counter  # tuples of names, the outermost first
    warnings: typing.List[str]


class ColoPerf:
    def __init__(self, program, home):
        self.program, self.home = program, home

    def run(self, *arguments, home=None):
        done = subprocess.run([self.program, *arguments], encoding="utf-8",
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True,
                              env=dict(os.environ, HOME=str(home or self.home)))
        return done.stdout, done.stderr.splitlines()

    def ram(self, recording, *options, home=None):
        text, warnings = self.run("flamegraph", "--folded", "--phase", "ram", "--role", "primary",
                                  *options, str(recording.path), home=home)
        stacks = collections.Counter()
        for line in text.splitlines():
            stack, _, count = line.rpartition(" ")
            stacks[tuple(stack.split(";"))] += int(count)
        return Answer(stacks, warnings)

    def report(self, recording):
        return json.loads(self.run("report", "--json", str(recording.path))[0])

    def text(self, recording):
        return self.run("report", str(recording.path))[0]

    def ram_report(self, recording):
        """(the report, its session, the session's profile of ram)."""
        report = self.report(recording)
        session = report["sessions"][0]
        return report, session, [part for part in session["profiles"] if part["phase"] == "ram"][0]
