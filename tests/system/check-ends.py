#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""How colo-perf record and live end: by each signal, with standard streams that are closed, full
or gone, with a terminal that is gone, and killed while a perf with capabilities of its own runs.

It needs root, perf, libperf, gcc, sys/sdt.h, setpriv and setcap. It registers probes of its own,
takes them back, and prints TAP.

usage: check-ends.py [--colo-perf PROGRAM]
"""

import argparse
import contextlib
import os
import pathlib
import pty
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
from workload_record import TRACEFS, build_paced, run  # pylint: disable=wrong-import-position
from tap import check, finish, skip  # pylint: disable=wrong-import-position

NOBODY = 65534
AS_NOBODY = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
LONG = 1000000  # checkpoints
PACE_US = 1000
PATIENCE_S = 60
PASSED_OVER = (signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM, signal.SIGVTALRM, signal.SIGPROF,
               signal.SIGPOLL, 16, signal.SIGPIPE, signal.SIGXFSZ, signal.SIGRTMIN, signal.SIGRTMAX)
ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGXCPU,
        signal.SIGPWR)
RECORDED = (0, 3)  # with 3 there was no checkpoint yet, which depends on the machine
DATA_SIZE_AT = 48
UPROBES = TRACEFS / "uprobe_events"


def wait_until(condition, what):
    until = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > until:
            raise RuntimeError(f"{what}: not within {PATIENCE_S} s")
        time.sleep(0.02)


def wait(process):
    """Its status; None when it had to be killed."""
    try:
        return process.wait(timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return None


class Machine:
    def __init__(self, work, colo_perf):
        self.work, self.colo_perf = work, colo_perf
        self.program = build_paced(work)
        self.data = work / "perf.data"

    def registered(self):
        """Whether probes of our program are."""
        return f" {self.work}/" in UPROBES.read_text(encoding="utf-8")

    def is_clean(self):
        return not self.registered() and not list(self.work.glob("*.part.*"))

    @contextlib.contextmanager
    def workload(self, prefix=(), begins=True):
        """A running program that makes checkpoints, once it begins."""
        with subprocess.Popen([*prefix, self.program, str(LONG), str(PACE_US), "0"],
                              stdin=subprocess.PIPE) as process:
            try:
                wait_until(lambda: os.readlink(f"/proc/{process.pid}/exe") == str(self.program),
                           "the program")
                if begins:
                    process.stdin.write(b"\n")
                    process.stdin.flush()
                yield process.pid
            finally:
                process.kill()

    def record(self, *arguments, prefix=(), output=None, **options):
        return subprocess.Popen(
            [*prefix, self.colo_perf, "record", "-F", "0", "-o", output or self.data,
             *map(str, arguments)], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, **options)

    def is_whole(self):
        """There is a recording, and report reads it without a word about damage."""
        done = subprocess.run([self.colo_perf, "report", "--json", self.data], check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done.returncode in RECORDED and b"damaged" not in done.stdout


def wait_recording(process):
    return process.stdout.readline() == b"state=recording\n"


def check_signals(machine):
    for number in ENDS:
        machine.data.unlink(missing_ok=True)
        with machine.workload() as pid:
            process = machine.record("-p", pid, stdout=subprocess.PIPE)
            wait_recording(process)
            for other in PASSED_OVER:
                process.send_signal(other)
            wait_until(lambda: not any(is_pending(process.pid, one) for one in PASSED_OVER),
                       "signals that were sent")
            process.send_signal(number)
            said = process.communicate(timeout=PATIENCE_S)[1].decode()
        check(f"record passes over what means nothing, and is ended by {number.name}",
              process.returncode in RECORDED and machine.is_whole() and machine.is_clean(),
              f"status {process.returncode}, {said.strip()}")


def is_pending(pid, number):
    """Whether a signal waits to be taken; of a process that has ended none does."""
    try:
        text = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except FileNotFoundError:
        return False
    fields = dict(line.split(":\t", 1) for line in text.splitlines())
    waiting = int(fields["SigPnd"], 16) | int(fields["ShdPnd"], 16)
    return not fields["State"].startswith("Z") and bool(waiting & 1 << (number - 1))


def check_closed(machine):
    """No file that is opened becomes one of them."""
    for closed, expected in (("0", RECORDED), ("1", (1,)), ("2", RECORDED), ("1 2", (1,)),
                             ("0 1 2", (1,))):
        machine.data.write_text("old", encoding="utf-8")
        with machine.workload() as pid:
            redirections = " ".join(f"{fd}{'<' if fd == '0' else '>'}&-" for fd in closed.split())
            script = f'exec "$@" {redirections}'
            process = machine.record("-d", "0.3", "-p", pid, prefix=("sh", "-c", script, "sh"),
                                     stdout=subprocess.DEVNULL)
            said = process.communicate(timeout=PATIENCE_S)[1].decode()
        check(f"record with closed descriptors ({closed}): the recording is whole",
              machine.is_whole() and machine.is_clean(), said.strip())
        check(f"... and the status is one of {expected}", process.returncode in expected,
              f"status {process.returncode}")


def check_stdout(machine):
    line = "colo-perf record: cannot write to standard output: No space left on device; " \
        "the recording goes on"
    for name, target, expected in (("is full", "/dev/full", (1,)), ("has no reader", None, RECORDED)):
        machine.data.unlink(missing_ok=True)
        reader, writer = os.pipe()
        os.close(reader)
        with machine.workload() as pid, open(target or os.devnull, "wb") as file:
            process = machine.record("-d", "0.3", "-p", pid, stdout=file if target else writer)
            said = process.communicate(timeout=PATIENCE_S)[1].decode()
        os.close(writer)
        check(f"record whose standard output {name}: the status says it, the recording is kept",
              process.returncode in expected and machine.is_whole() and machine.is_clean(),
              f"status {process.returncode}")
        n_lines = 1 if target else 0
        check("... and it is said once" if target else "... and nothing is said about it",
              said.splitlines().count(line) == n_lines and said.count("cannot write") == n_lines,
              said.strip())


def check_ignored(machine):
    """Started by somebody who ignores SIGCHLD, which is inherited."""
    machine.data.unlink(missing_ok=True)
    with machine.workload() as pid:
        process = machine.record("-d", "0.3", "-p", pid, stdout=subprocess.DEVNULL,
                                 prefix=("env", "--ignore-signal=CHLD"))
        status = wait(process)
    check("record notices the end of perf although SIGCHLD is ignored from the start",
          status in RECORDED and machine.is_whole() and machine.is_clean(), f"status {status}")
    if status is None:
        run(machine.colo_perf, "record", "--check")


def check_limit(machine):
    """perf's file becomes too large: it says so, as SIGXFSZ does not kill it."""
    machine.data.unlink(missing_ok=True)
    with machine.workload() as pid:
        process = machine.record("-d", "1", "-p", pid, stdout=subprocess.DEVNULL,
                                 prefix=("sh", "-c", 'ulimit -f 64 && exec "$@"', "sh"))
        said = process.communicate(timeout=PATIENCE_S)[1].decode()
    reasons = [line for line in said.splitlines()
               if "perf record has failed" in line and "File too large" in line]
    check("record beyond ulimit -f: status 1, the reason in a line, and nothing is left",
          process.returncode == 1 and reasons and machine.is_clean(),
          f"status {process.returncode}, {said.strip()}")
    check("what has no hit is not kept", not machine.data.exists() or "0 probe hits" not in said,
          said.strip())


@contextlib.contextmanager
def granted():
    """User 65534 may register probes, as the man page says."""
    before = [os.stat(path) for path in (TRACEFS, UPROBES)]
    try:
        run("mount", "-o", f"remount,gid={NOBODY},mode=750", TRACEFS)
        run("chmod", "g+w", UPROBES)
        yield
    finally:
        mode = before[0].st_mode & 0o7777
        run("mount", "-o", f"remount,gid={before[0].st_gid},mode={mode:o}", TRACEFS)
        os.chmod(UPROBES, before[1].st_mode & 0o7777)


def child_named(pid, name):
    """The child of a process with that name, or None."""
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    for child in children.split():
        if name in pathlib.Path(f"/proc/{child}/comm").read_text(encoding="utf-8"):
            return int(child)
    return None


def read_data_size(path):
    """The size of the data section, as the header has it; 0 when perf did not finish the file."""
    return int.from_bytes(path.read_bytes()[DATA_SIZE_AT:DATA_SIZE_AT + 8], "little")


def check_killed(machine):
    """
    A perf with file capabilities: the kernel does not tell it that its parent has died. It would
    end with an error when its control pipe is closed, its file without a header that is complete.
    """
    perf, theirs = machine.work / "perf-granted", machine.work / "theirs"
    shutil.copy(os.path.realpath(shutil.which("perf")), perf)
    run("setcap", "cap_perfmon,cap_sys_ptrace+ep", perf)
    theirs.mkdir()
    os.chown(theirs, NOBODY, NOBODY)
    with granted(), machine.workload(prefix=AS_NOBODY, begins=False) as pid:
        process = machine.record("-p", pid, prefix=AS_NOBODY, output=theirs / "perf.data",
                                 stdout=subprocess.PIPE, env=dict(os.environ, PERF=str(perf)))
        started = wait_recording(process)
        pid_of_perf = child_named(process.pid, "perf") if started else None
        process.kill()
        said = process.communicate()[1].decode()
        check("a user with a perf that has capabilities records", pid_of_perf is not None, said)
        ended = pid_of_perf is None
        with contextlib.suppress(RuntimeError):
            wait_until(lambda: not os.path.exists(f"/proc/{pid_of_perf}"), "perf")
            ended = True
        check("... and when colo-perf is killed that perf ends too", ended)
        sizes = [read_data_size(one) for one in theirs.glob("perf.data.part.*")]
        check("... as it should: its file is complete", sizes and all(sizes), sizes)
        if not ended:
            os.kill(pid_of_perf, signal.SIGKILL)
        # What is left behind is taken back by the next start of that user.
        run(*AS_NOBODY, machine.colo_perf, "record", "--check", env=dict(os.environ, PERF=str(perf)))
    check("... and what it had registered is taken back by the next start", machine.is_clean())


def check_live(machine):
    for number in (signal.SIGQUIT, signal.SIGXCPU):
        with machine.workload() as pid:
            process = subprocess.Popen([machine.colo_perf, "live", "--interval", "0.1", "-p",
                                        str(pid)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            process.stdout.readline()
            for other in PASSED_OVER:
                process.send_signal(other)
            process.send_signal(number)
            said = process.communicate(timeout=PATIENCE_S)[1].decode()
        check(f"live passes over what means nothing, and is ended by {number.name}",
              process.returncode in (0, 3) and machine.is_clean(),
              f"status {process.returncode}, {said.strip()}")


def check_live_terminal(machine):
    master, slave = pty.openpty()
    with machine.workload() as pid:
        process = subprocess.Popen([machine.colo_perf, "live", "-p", str(pid)], stdout=slave,
                                   stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   env=dict(os.environ, TERM="xterm"), start_new_session=True)
        os.close(slave)
        os.read(master, 1)
        os.close(master)
        status = wait(process)
    check("live whose terminal is gone without SIGHUP ends, and takes its probes back",
          status == 1 and machine.is_clean(), f"status {status}")
    if status is None:
        run(machine.colo_perf, "record", "--check")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--colo-perf", default="build/colo-perf")
    colo_perf = os.path.abspath(parser.parse_args().colo_perf)
    if os.geteuid():
        skip("how record and live end", "they need root")
        return finish()
    with tempfile.TemporaryDirectory(prefix="check-ends-") as directory:
        work = pathlib.Path(directory)
        work.chmod(0o755)
        mounted = not UPROBES.exists()
        if mounted:
            run("mount", "-t", "tracefs", "tracefs", TRACEFS)
        try:
            machine = Machine(work, colo_perf)
            check_signals(machine)
            check_closed(machine)
            check_stdout(machine)
            check_limit(machine)
            check_ignored(machine)
            check_killed(machine)
            check_live(machine)
            check_live_terminal(machine)
        finally:
            if mounted:
                subprocess.run(["umount", TRACEFS], check=False)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
