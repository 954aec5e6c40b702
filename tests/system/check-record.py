#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""colo-perf record on small programs with QEMU's probes: what it finds, what it says, how it
ends, and that nothing is left registered after any of it.

It needs root, perf, gcc and sys/sdt.h. It registers probes of its own, takes them back, and
prints TAP.

usage: check-record.py [--colo-perf PROGRAM]
"""

import argparse
import contextlib
import json
import os
import pathlib
import re
import select
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
import perf_script  # pylint: disable=wrong-import-position
from workload_record import CC, FRAME_POINTERS, GROUP, HERE, PROBES, TRACEFS, extract_header, run  # pylint: disable=wrong-import-position
from tap import check, finish  # pylint: disable=wrong-import-position

LONG = 100000  # checkpoints: more than any test waits for
PACE_US = 5000
STATE = pathlib.Path("/run/colo-perf")
NOBODY = 65534
READY_S = 60

def wait_until(condition, what, seconds=READY_S):
    for _ in range(int(seconds / 0.05)):
        if condition():
            return
        time.sleep(0.05)
    raise RuntimeError(f"{what}: not within {seconds} s")


# --- What is recorded ---

class Programs:
    def __init__(self, work):
        self.directory = work / "programs"
        self.directory.mkdir()
        extract_header(self.directory)
        self.original = self.directory / "original"
        run(*CC, *PROBES, f"-I{self.directory}", *FRAME_POINTERS, HERE / "paced-workload.c",
            HERE / "workload-probes.c", "-o", self.original)
        self.limits = self.make_limits()

    def copy(self, name):
        return pathlib.Path(shutil.copy(self.original, self.directory / name))

    def make_limits(self):
        """Its second probe has more arguments than a uprobe can have."""
        notes = "".join(
            '.section .note.stapsdt,"","note"\n.balign 4\n.4byte 8, 2f - 1f, 3\n'
            f'.asciz "stapsdt"\n1: .8byte main, 0, 0\n.asciz "qemu"\n.asciz "{name}"\n'
            f'.asciz "{arguments}"\n2: .balign 4\n.text\n'
            for name, arguments in (("colo_exit", "8@%rax"),
                                    ("colo_trigger", " ".join(["8@%rax"] * 150))))
        source, path = self.directory / "limits.s", self.directory / "limits"
        source.write_text(".globl main\nmain: nop\nret\n" + notes, encoding="utf-8")
        run("gcc", "-o", path, source)
        return path


class Workload:
    """A running program; it hits nothing before begin()."""

    running = []

    def __init__(self, path, checkpoints=LONG, *more, prefix=()):
        self.path = path
        self.process = subprocess.Popen(
            [*prefix, path, str(checkpoints), str(PACE_US), "0", *more], stdin=subprocess.PIPE)
        self.running.append(self)

    @property
    def pid(self):
        return self.process.pid

    def begin(self):
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.running.remove(self)


# --- colo-perf record ---

class Recorder:
    program = None
    work = None
    running = []

    def __init__(self, name, *arguments, environment=None, start_new_session=True):
        self.path = self.work / f"{name}.data"
        self.output, self.errors = self.work / f"{name}.out", self.work / f"{name}.err"
        with open(self.output, "wb") as out, open(self.errors, "wb") as err:
            self.process = subprocess.Popen(
                [self.program, "record", "-o", self.path, *map(str, arguments)],
                stdin=subprocess.PIPE, stdout=out, stderr=err,
                env=dict(os.environ, **(environment or {})), start_new_session=start_new_session)
        self.running.append(self)

    def said(self):
        return self.errors.read_text(encoding="utf-8").strip()

    def lines(self):
        return self.output.read_text(encoding="utf-8").splitlines()

    def is_recording(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.path.name}: {self.said()}")
        return "state=recording" in self.lines()

    def wait_ready(self):
        wait_until(self.is_recording, self.path.name)
        return self

    def perf(self):
        """The pid of its perf."""
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        for pid in children.read_text(encoding="ascii").split():
            if "perf" in pathlib.Path(f"/proc/{pid}/comm").read_text(encoding="utf-8"):
                return int(pid)
        raise RuntimeError(f"{self.path.name}: no perf")

    def wait(self):
        self.process.stdin.close()
        status = self.process.wait(timeout=READY_S)
        self.running.remove(self)
        return status

    def end(self, number=signal.SIGINT):
        self.process.send_signal(number)
        return self.wait()

    def report(self):
        return json.loads(run(self.program, "report", "--json", self.path))

    def summary(self):
        """What the last line says: ({pid: checkpoints}, samples, "nothing lost")."""
        line = self.said().splitlines()[-1]
        counts = {int(pid): int(n) for n, pid in
                  re.findall(r"(\d+) (?:checkpoints? )?of the primary \(pid (\d+)\)", line)}
        end = re.search(r", (\d+) samples, (nothing lost|\d+ events lost)$", line)
        return counts, int(end.group(1)) if end else -1, end.group(2) if end else line


def complete(session):
    return [one for one in session["checkpoints"] if one["state"] == "complete"]


def sequences(report):
    """{pid: the numbers of the complete checkpoints}"""
    return {session["pid"]: [one["seq"] for one in complete(session)]
            for session in report["sessions"]}


def is_gapless(numbers):
    return len(numbers) > 0 and numbers == list(range(numbers[0], numbers[0] + len(numbers)))


# --- What is left ---

class Machine:
    """What must be the same after each test: others may have registered what they want."""

    def __init__(self, work, fixed=None):
        self.work, self.fixed = str(work), str(fixed or work)
        self.before = set(self.all_lines())

    @staticmethod
    def read_mounts():
        return [line.split()[1:3] for line in open("/proc/mounts", encoding="utf-8")
                if "tracefs" in line]

    @staticmethod
    def all_lines():
        return (TRACEFS / "uprobe_events").read_text(encoding="utf-8").splitlines()

    def lines(self):
        """The lines of uprobe_events that are ours: of our files, or of colo-perf's descriptors."""
        ours = (f" {self.work}/", f" {self.fixed}/", " /proc/")
        return [line for line in self.all_lines()
                if line not in self.before and any(one in line for one in ours)]

    def events(self):
        return {line.split()[0].removeprefix(f"p:{GROUP}/") for line in self.lines()}

    def programs(self):
        """The names of the files that they are of, while those who registered them run."""
        paths = {line.split()[1].rsplit(":", 1)[0] for line in self.lines()}
        return {os.path.realpath(path).removesuffix(" (deleted)") for path in paths}

    def sites(self):
        """{(probe, "offset arguments")}"""
        return {(re.sub(r"_\d+$", "", line.split()[0].removeprefix(f"p:{GROUP}/")),
                 re.search(r":(0x[0-9a-f]{16}.*)", line).group(1))
                for line in self.lines()}

    def check_clean(self, after):
        parts = [str(one) for one in pathlib.Path(self.work).glob("*.part.*")]
        left = self.lines() + parts
        check(f"nothing is left after {after}", not left, f"{len(left)}: {left[:3]}")


# --- Tests ---

def check_command(programs, machine):
    program = programs.copy("command")
    recorder = Recorder("command", "--", program, 40, PACE_US, 3, "-o", "x", "--frequency=1")
    recorder.process.stdin.write(b"\n")
    status = recorder.wait()
    report = recorder.report()
    recording = report["recordings"][0]
    counts, samples, lost = recorder.summary()
    check("a COMMAND is started with its own options and our input, and recorded to its end",
          status == 0 and list(sequences(report).values()) == [list(range(1, 41))],
          f"status {status}, {recorder.said()}")
    check("the line at the end says what the report counts",
          list(counts.values()) == [40] and list(counts) == list(sequences(report))
          and samples == recording["samples"] - recording["probe_hits"] and lost == "nothing lost",
          (counts, samples, lost))
    check("a COMMAND that fails is said so, the recording is kept",
          f"{program} ended with status 3" in recorder.said().splitlines()[-2])
    check("state=recording and file=FILE are printed for scripts",
          recorder.lines() == ["state=recording", f"file={recorder.path}"], recorder.lines())
    machine.check_clean("the end of a COMMAND")


def check_programs(programs, machine):
    """One recording of programs that cannot be found by their path any more, or from here."""
    deleted, replaced = programs.copy("deleted"), programs.copy("replaced")
    hidden = programs.directory / "hidden"
    hidden.mkdir()
    script = f'mount -t tmpfs none {hidden} && cp {programs.original} {hidden}/program && exec "$@"'
    workloads = [Workload(deleted), Workload(replaced),
                 Workload(hidden / "program",
                          prefix=("unshare", "-m", "sh", "-c", script, "sh"))]
    inside = workloads[2].pid
    wait_until(lambda: os.readlink(f"/proc/{inside}/exe").endswith("hidden/program"), "unshare")
    wait_until(lambda: os.readlink(f"/proc/{workloads[0].pid}/exe").endswith("/deleted"), "deleted")
    wait_until(lambda: os.readlink(f"/proc/{workloads[1].pid}/exe").endswith("/replaced"),
               "replaced")
    deleted.unlink()
    other = programs.copy("other")
    # Another file with the probes in the same places.
    other.rename(replaced)
    recorder = Recorder("programs", "-F", 0, "-p", workloads[0].pid, "-p",
                        f"{workloads[1].pid},{inside}").wait_ready()
    paths = {line.split()[1].rsplit("/", 1)[0] for line in machine.lines()}
    for workload in workloads:
        workload.begin()
    time.sleep(0.7)
    status = recorder.end(signal.SIGTERM)
    seen = sequences(recorder.report())
    for workload, name in zip(workloads, ("was deleted", "was replaced on disk",
                                          "is in another mount namespace")):
        numbers = seen.get(workload.pid, [])
        check(f"a program whose file {name} is recorded",
              status == 0 and is_gapless(numbers) and numbers[0] == 1, f"{len(numbers)} checkpoints")
    check("the kernel found them by colo-perf's own descriptors",
          paths == {f"/proc/{recorder.process.pid}/fd"}, sorted(paths))
    for workload in workloads:
        workload.stop()
    machine.check_clean("SIGTERM")


def check_together(programs, machine):
    """Two instances that share a program, one with another, and their ends one by one."""
    shared, other = Workload(programs.copy("shared")), Workload(programs.copy("single"))
    first = Recorder("first", "-F", 0, "-p", shared.pid)
    second = Recorder("second", "-F", 0, "-p", shared.pid)
    third = Recorder("third", "-F", 0, "-p", other.pid)
    for recorder in (first, second, third):
        recorder.wait_ready()
    n_events = len(machine.events())
    shared.begin()
    other.begin()
    time.sleep(0.5)
    statuses = [third.end(signal.SIGHUP)]
    left = machine.programs()
    statuses.append(first.end(signal.SIGINT))
    still = len(machine.events())
    time.sleep(0.5)
    statuses.append(second.end(signal.SIGTERM))
    reports = [recorder.report() for recorder in (first, second, third)]
    numbers = [sequences(report).get(workload.pid, [])
               for report, workload in zip(reports, (shared, shared, other))]
    check("two instances share the registration of a program, a third has its own",
          n_events == 2 * still and statuses == [0, 0, 0], f"{n_events} events, {statuses}")
    check("what only the one that ends has used is gone at once, the rest stays",
          left == {str(shared.path)} and still > 0, (sorted(left), still))
    check("no instance loses a checkpoint by the beginning and the end of the others",
          all(is_gapless(one) and one[0] == 1 for one in numbers)
          and len(numbers[1]) > len(numbers[0])
          and not any(report["warnings"] for report in reports), [len(one) for one in numbers])
    said = [recorder.said() for recorder in (first, second, third)]
    check("each of them took back what it had to", not any("warning" in one for one in said), said)
    shared.stop()
    other.stop()
    machine.check_clean("SIGHUP, SIGINT and SIGTERM of three instances")


def check_all_cpus(programs, machine):
    """-a records both that run a file, though one was named, and ends with that one."""
    path = programs.copy("all-cpus")
    named, other = Workload(path, 60), Workload(path)
    recorder = Recorder("all-cpus", "-a", "-p", named.pid).wait_ready()
    other.begin()
    named.begin()
    status = recorder.wait()
    report = recorder.report()
    seen = sequences(report)
    check("-a ends with the process that was named, and holds all of its checkpoints",
          status == 0 and seen.get(named.pid) == list(range(1, 61)) and not report["warnings"],
          f"status {status}, {recorder.said()}, {report['warnings']}")
    check("-a holds those of another process that runs the same file",
          is_gapless(seen.get(other.pid, [])) and set(seen) == {named.pid, other.pid},
          {pid: len(numbers) for pid, numbers in seen.items()})
    comms = set(run("perf", "script", "-i", recorder.path, "-F", "comm").split())
    check("-a does not sample idle CPUs", "swapper" not in comms, sorted(comms)[:20])
    other.stop()
    named.stop()
    machine.check_clean("a recording of all CPUs")


def hits_of(path):
    hits, _ = perf_script.read(path)
    return [(hit.probe.rsplit(":", 1)[-1], tuple(hit.arguments)) for hit in hits], \
        [hit.time_ns for hit in hits]


def start_perf(*arguments):
    """perf record, once all of its events count: then it answers."""
    commands, to_perf = os.pipe()
    answers, from_perf = os.pipe()
    perf = subprocess.Popen(["perf", "record", "-q", f"--control=fd:{commands},{from_perf}", *arguments],
                            stderr=subprocess.DEVNULL, pass_fds=(commands, from_perf))
    os.write(to_perf, b"ping\n")
    wait_until(lambda: select.select([answers], [], [], 0)[0], "perf")
    for fd in (commands, answers, from_perf):
        os.close(fd)
    perf.control = to_perf  # it would end if this was closed
    return perf


def check_perf(programs, machine, work):
    """Against perf: the same registration, the same hits, and what it registered is left alone."""
    # Of others nothing is used that others could have exchanged since.
    path = pathlib.Path(shutil.copy(programs.original, pathlib.Path(machine.fixed) / "compared"))
    workload = Workload(path)
    cache = work / "buildid"
    own = Recorder("own", "-F", 0, "-p", workload.pid).wait_ready()
    ours = machine.sites()
    own.end()
    run("perf", "--buildid-dir", cache, "buildid-cache", "--add", workload.path)
    # -f: somebody else may have registered the same names.
    run("perf", "--buildid-dir", cache, "probe", "-q", "-f", "-a", f"{GROUP}:*")
    theirs = machine.sites()
    check("what is registered is what perf probe registers", ours and ours == theirs,
          f"{len(ours)} sites" if ours == theirs else sorted(ours ^ theirs)[:4])

    events = sorted(machine.events())
    plain_path = work / "plain.data"
    words = [word for event in events for word in ("-e", f"{GROUP}:{event}")]
    recorder = Recorder("beside", "-F", 0, "-p", workload.pid).wait_ready()
    plain = start_perf("-N", "-k", "CLOCK_MONOTONIC", *words, "-p", str(workload.pid), "-o", plain_path)
    names = {name for _, name in re.findall(r"(sdt_qemu):(\w+)", pathlib.Path(
        f"/proc/{recorder.perf()}/cmdline").read_text(encoding="utf-8"))}
    check("events that perf probe registered are used where they fit", names == set(events))
    workload.begin()
    time.sleep(1)
    plain.send_signal(signal.SIGINT)
    recorder.end()
    plain.wait()
    os.close(plain.control)
    check("and stay registered", sorted(machine.events()) == events)
    (ours, our_times), (theirs, their_times) = hits_of(recorder.path), hits_of(plain_path)
    n = min(len(ours), len(theirs))
    check("record sees the hits that plain perf sees at the same time, with the same arguments",
          n > 1000 and ours[:n] == theirs[:n], f"{n} hits")
    # Each of both perfs is given a time of its own by the kernel, one after the other.
    apart = [abs(one - two) for one, two in zip(our_times, their_times)]
    median = statistics.median(apart) if apart else 0
    check("their times are those of two looks at the clock in one hit", median < 20000,
          f"median {median} ns, most {max(apart, default=0)} ns")
    own_report = recorder.report()
    plain_report = json.loads(run(Recorder.program, "report", "--json", plain_path))
    one, two = sequences(own_report)[workload.pid], sequences(plain_report)[workload.pid]
    check("the reports have the same checkpoints", min(len(one), len(two)) > 50
          and one[:min(len(one), len(two))] == two[:min(len(one), len(two))]
          and own_report["warnings"] == plain_report["warnings"] == [], (len(one), len(two)))
    workload.stop()
    for event in events:
        uprobe_events = os.open(TRACEFS / "uprobe_events", os.O_WRONLY | os.O_APPEND)
        os.write(uprobe_events, f"-:{GROUP}/{event}\n".encode())
        os.close(uprobe_events)
    machine.check_clean("perf probe")


def check_names(programs, machine):
    name = f"check-record-{os.getpid()}"
    workloads = [Workload(programs.copy("named"), LONG, "-name", f"guest={name},debug-threads=on"),
                 Workload(programs.copy("unnamed"), LONG, "-name", f"{name}x")]
    # Has the name, and is none that could be meant.
    starter = subprocess.Popen(["sh", "-c", "read line", "-name", name], stdin=subprocess.PIPE)
    recorder = Recorder("named", "-d", "0.5", "--name", name).wait_ready()
    for workload in workloads:
        workload.begin()
    status = recorder.wait()
    pids = list(sequences(recorder.report()))
    check("--name finds the QEMU with that name, --duration ends it", status == 0
          and pids == [workloads[0].pid], f"status {status}, {recorder.said()}")
    starter.kill()
    starter.communicate()
    for workload in workloads:
        workload.stop()
    machine.check_clean("--duration")


def check_kills(programs, machine):
    workload = Workload(programs.copy("killed"))
    recorder = Recorder("perf-killed", "-F", 0, "-p", workload.pid).wait_ready()
    workload.begin()
    time.sleep(0.3)
    os.kill(recorder.perf(), signal.SIGKILL)
    status = recorder.wait()
    check("when perf is killed it says so in one line, with status 1",
          status == 1 and "colo-perf record: perf record was killed by SIGKILL" in
          recorder.said().splitlines()[1], recorder.said())
    machine.check_clean("SIGKILL of perf")

    recorder = Recorder("killed", "-F", 0, "-p", workload.pid).wait_ready()
    perf = recorder.perf()
    recorder.end(signal.SIGKILL)
    left = len(machine.lines())
    done = subprocess.run([Recorder.program, "record", "--check"], encoding="utf-8", check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    check("after SIGKILL of colo-perf the next one takes back what it left, and says so",
          left > 0 and done.returncode == 0 and re.fullmatch(
              "colo-perf record: took back \\d+ probes that an instance of colo-perf left "
              "registered when it was killed\n", done.stdout), f"{left} lines, {done.stdout}")
    wait_until(lambda: not pathlib.Path(f"/proc/{perf}").exists(), "perf")
    check("its perf has ended with it", True)
    for part in pathlib.Path(machine.work).glob("killed.data.part.*"):
        part.unlink()
    workload.stop()
    machine.check_clean("SIGKILL of colo-perf and the next start")


def one_line(name, status, pattern, *arguments, environment=None, prefix=()):
    done = subprocess.run([*prefix, Recorder.program, "record", *map(str, arguments)],
                          encoding="utf-8", check=False, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env=dict(os.environ, **(environment or {})))
    check(name, done.returncode == status
          and re.fullmatch(f"(state=recording\n)?colo-perf record: {pattern}\n", done.stdout),
          f"status {done.returncode}, {done.stdout.strip()}")


def check_errors(programs, machine, work):
    workload = Workload(programs.copy("errors"))
    ended = Workload(programs.original)
    ended.stop()
    pid, out = workload.pid, work / "errors.data"
    one_line("no such process", 1, f"there is no process {ended.pid}: give the pid .*",
             "-p", ended.pid)
    one_line("a process that is no QEMU", 1, ".*python.* has no COLO probes: build QEMU .*",
             "-p", os.getpid())
    one_line("a COMMAND without probes", 1, "/.*/true has no COLO probes: .*", "-o", out, "true")
    one_line("a COMMAND that is not there", 1, "cannot run /nonexistent: .*", "/nonexistent")
    one_line("a name that nobody has", 1, "no process runs with -name nobody-here .*",
             "--name", "nobody-here")
    one_line("no perf", 1, "there is no program /nonexistent/perf: install perf .*", "-p", pid,
             environment={"PERF": "/nonexistent/perf"})
    one_line("a perf that fails", 1, r"perf record has failed \(status 1\): .*", "-p", pid, "-o",
             out, environment={"PERF": "/bin/false"})
    one_line("an output that cannot be written", 1, "cannot write /proc/x.data: .* with -o",
             "-p", pid, "-o", "/proc/x.data")
    one_line("an output that is a directory", 1, "/tmp is a directory: name a file with -o",
             "-p", pid, "-o", "/tmp")
    one_line("an output that is a device", 1, "/dev/null is no regular file: .*", "-p", pid,
             "-o", "/dev/null")
    one_line("a rate that the kernel does not allow", 1,
             "the kernel allows \\d+ samples a second, not 1000000: .*", "-p", pid, "-F", 1000000)
    one_line("a probe in the middle that the kernel refuses", 1,
             r".*/limits: cannot register the probe colo_trigger(_\d+)? in .*/uprobe_events: .*",
             "-o", out, programs.limits)
    one_line("no process", 2, "nothing to record: give -p PID, --name NAME or a COMMAND; see .*")
    one_line("a pid that is no number", 2, "--pid 1,x: expected the number of a process; see .*",
             "-p", "1,x")
    one_line("an unknown option", 2, "Unknown option --nonsense; see .*", "--nonsense")
    one_line("-p and a COMMAND", 2, "true: a COMMAND, or -p and --name: choose one.*", "-p", pid,
             "true")
    nobody = ("setpriv", f"--reuid={NOBODY}", "--clear-groups", "--inh-caps=-all")
    one_line("no rights", 1,
             "you may not record probes: .*/sys/kernel/tracing.*; you lack CAP_PERFMON and "
             "perf_event_paranoid is -?\\d+: run this as root, or let root grant it: mount .*; "
             "setcap cap_perfmon.* /.*/perf", "-p", pid, prefix=nobody)
    # Root without one capability: tracefs can be read, perf may not record.
    one_line("no CAP_PERFMON", 1, "you may not record probes: you lack CAP_PERFMON and "
             "perf_event_paranoid is -?\\d+: nobody here can get CAP_PERFMON: run this outside of "
             "the container, or start that with CAP_PERFMON",
             "-p", pid, prefix=("setpriv", "--bounding-set=-perfmon,-sys_admin",
                                "--inh-caps=-perfmon,-sys_admin"))
    done = subprocess.run([Recorder.program, "record", "--check", "--binary", programs.original],
                          check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    check("--check says nothing where recording is possible",
          done.returncode == 0 and not done.stdout, done.stdout)
    check("none of them made a file", not out.exists())

    workload.stop()
    machine.check_clean("errors")


def check_granted(programs, machine, work):
    """What the line about missing rights says to do is enough."""
    if not shutil.which("setcap"):
        check("a user who was granted the rights records: # SKIP setcap of libcap2-bin is missing",
              True)
        return
    perf, output = work / "perf-with-rights", work / "granted"
    shutil.copy(os.path.realpath(shutil.which("perf")), perf)
    run("setcap", "cap_perfmon,cap_sys_ptrace+ep", perf)
    output.mkdir()
    os.chmod(work, 0o755)
    os.chown(output, NOBODY, NOBODY)
    user = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
    workload = Workload(programs.copy("granted"), prefix=user)
    wait_until(lambda: "granted" in os.readlink(f"/proc/{workload.pid}/exe"), "setpriv")
    before = [os.stat(path) for path in (TRACEFS, TRACEFS / "uprobe_events")]
    try:
        run("mount", "-o", f"remount,gid={NOBODY},mode=750", TRACEFS)
        run("chmod", "g+w", TRACEFS / "uprobe_events")
        workload.begin()
        done = subprocess.run([*user, Recorder.program, "record", "-F", "0", "-d", "0.5", "-o",
                               output / "perf.data", "-p", str(workload.pid)], check=False,
                              encoding="utf-8", stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env=dict(os.environ, PERF=str(perf)))
    finally:
        mode = before[0].st_mode & 0o7777
        run("mount", "-o", f"remount,gid={before[0].st_gid},mode={mode:o}", TRACEFS)
        os.chmod(TRACEFS / "uprobe_events", before[1].st_mode & 0o7777)
    check("a user who was granted the rights records", done.returncode == 0
          and "nothing lost" in done.stdout, done.stdout)
    workload.stop()
    machine.check_clean("a user's recording")


@contextlib.contextmanager
def everything_ended():
    """What still runs at the end is stopped. tracefs is mounted meanwhile, as machine.lines() has to look: yields
    whether it was not."""
    mounted = not (TRACEFS / "uprobe_events").exists()
    if mounted:
        run("mount", "-t", "tracefs", "tracefs", TRACEFS)
    try:
        yield mounted
    finally:
        for recorder in list(Recorder.running):
            recorder.process.terminate()
            recorder.wait()
        for workload in list(Workload.running):
            workload.stop()
        if mounted:
            subprocess.run(["umount", TRACEFS], check=False)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--colo-perf", default="build/colo-perf")
    Recorder.program = os.path.abspath(parser.parse_args().colo_perf)
    with tempfile.TemporaryDirectory(prefix="check-record-") as directory, \
            tempfile.TemporaryDirectory(prefix="check-record-", dir="/var/lib") as fixed:
        Recorder.work = work = pathlib.Path(directory)
        mounts = Machine.read_mounts()
        with everything_ended() as mounted:
            programs, machine = Programs(work), Machine(work, fixed)
            check_command(programs, machine)
            check_programs(programs, machine)
            check_together(programs, machine)
            check_all_cpus(programs, machine)
            check_perf(programs, machine, work)
            check_names(programs, machine)
            check_kills(programs, machine)
            check_errors(programs, machine, work)
            check_granted(programs, machine, work)
        if mounted:
            # It mounts tracefs where it is not, and takes that back too.
            recorder = Recorder("mounted", "-F", "0", "--", programs.copy("mounted"), 5, PACE_US, 0)
            recorder.process.stdin.write(b"\n")
            status = recorder.wait()
            check("tracefs is mounted where it is not, and unmounted again", status == 0
                  and Machine.read_mounts() == mounts, recorder.said())
    return finish()


if __name__ == "__main__":
    sys.exit(main())
