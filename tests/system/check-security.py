#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""colo-perf record and live as root, beside a user who wants to make use of that (docs/security.md).

The user is uid 65534, and owns programs that have probes. The kernel is the real one: what is
checked is where breakpoints are, in the memory of processes. It needs root, perf, gcc and
sys/sdt.h. It registers probes of its own, takes them back, and prints TAP.

usage: check-security.py [--colo-perf PROGRAM]
"""

import argparse
import contextlib
import fcntl
import os
import pathlib
import re
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
from elf_file import code_shift  # pylint: disable=wrong-import-position
from workload_record import CC, FRAME_POINTERS, GROUP, HERE, PROBES, TRACEFS, extract_header, run  # pylint: disable=wrong-import-position
from tap import check, finish, skip  # pylint: disable=wrong-import-position

NOBODY = 65534
AS_USER = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
STATE = pathlib.Path("/run/colo-perf")
EVENTS = TRACEFS / "uprobe_events"
NOP, BREAKPOINT = 0x90, 0xcc
PACE_US = 5000
WAIT_S = 60
PROMPT_S = 5  # "within a second", on a machine that has other things to do
ROUNDS = 2


def wait_until(condition, what):
    end = time.monotonic() + WAIT_S
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(f"{what}: not within {WAIT_S} s")
        time.sleep(0.02)


# --- Programs and processes ---

class Files:
    """Root's program, and the user's directory."""

    def __init__(self, work):
        self.work, self.user = work, work / "user"
        os.chmod(work, 0o755)
        self.user.mkdir()
        self.give(self.user)
        extract_header(work)
        self.program = work / "program"
        run(*CC, *PROBES, f"-I{work}", *FRAME_POINTERS, HERE / "paced-workload.c",
            HERE / "workload-probes.c", "-o", self.program)

    @staticmethod
    def give(path):
        os.chown(path, NOBODY, NOBODY)
        return path

    def copy(self, path):
        """The program once more, root's."""
        path.parent.mkdir(parents=True, exist_ok=True)
        return pathlib.Path(shutil.copy(self.program, path))

    def users(self, name):
        """The program once more, the user's."""
        path = self.copy(self.user / name)
        if path.parent != self.user:
            self.give(path.parent)
        return self.give(path)

    def assemble(self, name, text, *options):
        source, path = self.work / f"{name}.s", self.work / name
        source.write_text(text, encoding="utf-8")
        run("gcc", *options, "-o", path, source)
        return path


def note(name, place, semaphore=0, arguments=""):
    return (f'.section .note.stapsdt,"","note"\n.balign 4\n.4byte 8, 2f - 1f, 3\n'
            f'.asciz "stapsdt"\n1: .8byte {place}, 0, {semaphore}\n.asciz "qemu"\n'
            f'.asciz "{name}"\n.asciz "{arguments}"\n2: .balign 4\n')


class Process:
    """A running program, which hits its probes once it has begun."""

    running = []

    def __init__(self, path, *more, prefix=()):
        self.process = subprocess.Popen([*prefix, path, "1000000", str(PACE_US), "0", *more],
                                        stdin=subprocess.PIPE)
        self.pid = self.process.pid
        self.running.append(self)
        name = os.path.basename(os.path.realpath(path))
        wait_until(lambda: os.path.basename(os.readlink(f"/proc/{self.pid}/exe")) == name, path)

    def begin(self):
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()
        return self

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.running.remove(self)


class Places:
    """Where a process has the probes of its program in its memory."""

    def __init__(self, process, path):
        notes = run("readelf", "-n", path)
        shift = code_shift(path)
        offsets = [int(place, 16) - shift for place in re.findall(r"Location: 0x(\w+)", notes)]
        mappings = [line.split() for line in pathlib.Path(
            f"/proc/{process.pid}/maps").read_text(encoding="utf-8").splitlines()]
        start, first = next((int(words[0].split("-")[0], 16), int(words[2], 16))
                            for words in mappings if words[1] == "r-xp")
        self.addresses = [start + offset - first for offset in offsets]
        self.path = f"/proc/{process.pid}/mem"

    def bytes(self):
        with open(self.path, "rb", buffering=0) as memory:
            return [os.pread(memory.fileno(), 1, address)[0] for address in self.addresses]


# --- colo-perf ---

class ColoPerf:
    """One that runs. What it says is in `errors`, its lines for scripts in `output`."""

    program = None
    work = None
    running = []
    n = 0

    def __init__(self, command, *arguments, prefix=(), limits=None):
        ColoPerf.n += 1
        self.paths = [self.work / f"{self.n}.{kind}" for kind in ("out", "err")]
        output = ("-o", self.work / f"{self.n}.data") if command == "record" else ()
        with open(self.paths[0], "wb") as out, open(self.paths[1], "wb") as err:
            self.process = subprocess.Popen(
                [*prefix, self.program, command, *map(str, (*output, *arguments))],
                stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True,
                preexec_fn=limits)
        self.running.append(self)

    @property
    def said(self):
        return self.paths[1].read_text(encoding="utf-8").strip()

    def has_begun(self):
        return ("state=recording" in self.paths[0].read_text(encoding="utf-8")
                or "watching " in self.said)

    def has_ended(self):
        return self.process.poll() is not None

    def wait_begun(self):
        """False when it ended before."""
        wait_until(lambda: self.has_begun() or self.has_ended(), self.process.args)
        return self.has_begun()

    def wait(self):
        status = self.process.wait(timeout=WAIT_S)
        self.running.remove(self)
        return status

    def end(self):
        self.process.send_signal(signal.SIGINT)
        return self.wait()


def lines():
    return EVENTS.read_text(encoding="utf-8").splitlines()


class Machine:
    """What must be the same after each test: others may have registered what they want."""

    def __init__(self):
        self.before = set(lines())

    def ours(self):
        return [line for line in lines() if line not in self.before]

    def check_clean(self, after):
        check(f"nothing is left after {after}", not self.ours(), self.ours()[:3])


def one_line(name, status, pattern, *arguments):
    """colo-perf refuses with one line, at once."""
    begin = time.monotonic()
    one = ColoPerf(*arguments)
    with contextlib.suppress(subprocess.TimeoutExpired):
        one.process.wait(timeout=WAIT_S / 2)
    took = time.monotonic() - begin
    got = one.wait() if one.has_ended() else one.end()
    check(name, got == status and re.fullmatch(f"colo-perf \\w+: {pattern}", one.said)
          and took < WAIT_S / 2, f"status {got}, {took:.1f} s, {one.said}")


# --- A file that is exchanged after it was looked at (number 9) ---

EXCHANGE = """
import ctypes, sys
libc, one, two = ctypes.CDLL(None, use_errno=True), sys.argv[1].encode(), sys.argv[2].encode()
print("exchanging", flush=True)
while not libc.renameat2(-100, one, -100, two, 2):  # RENAME_EXCHANGE
    pass
sys.exit(f"renameat2: {ctypes.get_errno()}")
"""


@contextlib.contextmanager
def exchanging(one, two):
    """The user exchanges the two, all the time."""
    process = subprocess.Popen([*AS_USER, sys.executable, "-c", EXCHANGE, one, two],
                               stdout=subprocess.PIPE)
    try:
        process.stdout.readline()
        yield process
        if process.poll() is not None:
            raise RuntimeError("nothing was exchanged")
    finally:
        process.kill()
        process.communicate()


def attack(files, machine, name, path, one, two, commands):
    """`path` leads to the user's program, and while `one` and `two` are exchanged to root's."""
    target = files.copy(files.work / "roots" / path.name)
    victim, attacker = Process(target), Process(path, prefix=AS_USER)
    victims, own = Places(victim, target), Places(attacker, files.program)
    untouched = victims.bytes()
    changed, missed, begun = 0, 0, 0
    for arguments in commands:
        for _ in range(ROUNDS):
            with exchanging(one, two):
                colo_perf = ColoPerf(*arguments, "-p", attacker.pid)
                if colo_perf.wait_begun():
                    begun += 1
                    missed += set(own.bytes()) != {BREAKPOINT}
                changed += victims.bytes() != untouched
                if not colo_perf.has_ended():
                    colo_perf.process.send_signal(signal.SIGINT)
                colo_perf.wait()
            changed += victims.bytes() != untouched
    check(f"{name}: no byte of a process of root changes", set(untouched) == {NOP} and not changed,
          f"{changed} changes")
    check(f"{name}: what is recorded has its breakpoints", not missed,
          f"{missed} of {begun} have not")
    victim.stop()
    attacker.stop()
    machine.check_clean(name)
    return begun


def check_exchange(files, machine):
    record = ("record", "-q", "-F", 0)
    # live has its events on all CPUs, too.
    commands = (record, (*record, "--all-cpus", "--trust-program"),
                ("live", "--json", "--trust-program"))
    path = files.users("file/program")
    link = path.parent / "link"
    run(*AS_USER, "ln", "-s", files.work / "roots" / "program", link)
    attack(files, machine, "a file that is exchanged for a link", path, path, link, commands)
    path = files.users("directory/inner/program")
    files.give(path.parent.parent)
    link = path.parent.parent / "link"
    run(*AS_USER, "ln", "-s", files.work / "roots", link)
    begun = attack(files, machine, "a directory that is exchanged for a link", path, path.parent,
                   link, commands)
    check("a program whose directory moves about is recorded all the same",
          begun == ROUNDS * len(commands), begun)


def check_semaphores(files, machine):
    """The kernel would count them up and down, in data that the program chooses."""
    text = (".globl main\n.text\nmain: call getchar\nplace: nop\njmp main\n"
            '.section .probes,"aw"\nsemaphore: .2byte 0\n' + note("colo_exit", "place", "semaphore"))
    path = files.assemble("semaphore", text, "-no-pie")
    process = Process(path, prefix=AS_USER)
    line = ".*/semaphore: the probe colo_exit has a semaphore, and those of sdt-probes.patch have none"
    one_line("record refuses a probe with a semaphore", 1, line, "record", "-p", process.pid)
    one_line("live refuses a probe with a semaphore", 1, line, "live", "-p", process.pid)
    process.stop()
    machine.check_clean("semaphores")


def check_served(files, machine):
    """A program on a file system that the user serves, and then does not."""
    if not os.path.exists("/dev/fuse"):
        skip("a program on a file system of a user", "this kernel has no FUSE")
        return
    mounted = files.user / "mounted"
    mounted.mkdir()
    server = subprocess.Popen([sys.executable, HERE / "fuse_server.py", files.program, mounted],
                              stdout=subprocess.PIPE, encoding="utf-8")
    try:
        if server.stdout.readline() != "mounted\n":
            raise RuntimeError("the user's file system cannot be mounted")
        process = Process(mounted / "program", prefix=AS_USER)
        line = f"cannot read {mounted}/program: it is on a file system that a user's program serves .*"
        one_line("record refuses a program that may be another one at each look", 1, line, "record",
                 "-p", process.pid)
        server.send_signal(signal.SIGSTOP)
        one_line("record does not wait for a file system that does not answer", 1, line, "record",
                 "-p", process.pid)
        one_line("live neither", 1, line, "live", "-p", process.pid)
        server.send_signal(signal.SIGCONT)
        process.stop()
    finally:
        run("umount", "-l", mounted)
        server.kill()
        server.communicate()
    machine.check_clean("a file system of a user")


def check_trust(files, machine):
    """A program that its owner could change under another user's process."""
    path = files.users("trust")
    roots, own = Process(path).begin(), Process(path, prefix=AS_USER).begin()
    line = (f"user {NOBODY} can change {path}, and so could choose where breakpoints go in process "
            f"{roots.pid}, which runs as user 0: let only root write to that file .*, or take the "
            "risk with --trust-program")
    one_line("record: a user's program that root runs", 1, line, "record", "-p", roots.pid)
    one_line("record --check: likewise", 1, line, "record", "--check", "-p", roots.pid)
    one_line("record of both: likewise", 1, line, "record", "-p", f"{own.pid},{roots.pid}")
    one_line("record --all-cpus: likewise, though another one was named", 1, line, "record", "-a",
             "-p", own.pid)
    one_line("live: likewise", 1, line, "live", "-p", own.pid)
    for name, arguments in (
            ("--trust-program takes the risk", ("--trust-program", "-p", roots.pid)),
            ("a user's own program in the user's own process", ("-p", own.pid)),
            ("a user's program that is started", ("--", path, "3", str(PACE_US), "0"))):
        one = ColoPerf("record", "-F", 0, "-d", "0.3", *arguments)
        # The one that is started waits for a line, and gets none.
        check(f"record: {name}", one.wait() in (0, 3) and one.has_begun(), one.said)
    roots.stop()
    own.stop()
    program = files.copy(files.work / "group")
    os.chmod(program, 0o775)
    os.chown(program, 0, NOBODY)
    own = Process(program, prefix=AS_USER)
    one_line("record: a program that a group can write to", 1, f"group {NOBODY} can change .*",
             "record", "-p", own.pid)
    own.stop()
    machine.check_clean("programs that are not trusted")


# --- Much work, and signals meanwhile (number 11) ---

def check_bounds(files, machine):
    places = "".join(f"place{i}: nop\n" for i in range(5000))
    text = f".globl main\n.text\nmain: call getchar\n{places}jmp main\n"
    many = files.assemble("many", text + "".join(
        note("colo_exit", f"place{i}") for i in range(5000)), "-no-pie")
    others = files.assemble("others", text + "".join(
        note(f"colo_{i}", f"place{i}") for i in range(5000)), "-no-pie")
    one_line("5,000 places of a probe", 1, ".*/many has more than 1024 places of probes", "record",
             "--check", "--binary", many)
    one_line("5,000 probes that are not ours", 1, ".*/others has no COLO probes: .*", "record",
             "--check", "--binary", others)
    sparse = files.copy(files.work / "sparse")
    header = bytearray(sparse.read_bytes()[:64])
    sections, count = struct.unpack_from("<Q", header, 40)[0], struct.unpack_from("<H", header, 60)[0]
    with open(sparse, "r+b") as file:
        for i in range(count):
            file.seek(sections + 64 * i + 4)
            if struct.unpack("<I", file.read(4))[0] == 7:  # SHT_NOTE
                file.seek(sections + 64 * i + 32)
                file.write(struct.pack("<Q", 3 << 30))
        file.truncate(4 << 30)
    one_line("3 GB of notes in a sparse file", 1,
             ".*/sparse: .note.stapsdt has 3221225472 bytes: expected at most 16777216", "record",
             "--check", "--binary", sparse)
    machine.check_clean("many notes")


def check_lock(files, machine):
    """Another instance holds the lock, and does not give it up."""
    process = Process(files.program)
    STATE.mkdir(mode=0o700, exist_ok=True)
    directory = os.open(STATE, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(directory, fcntl.LOCK_EX)
    waits = (f"colo-perf (record|live): waiting for colo-perf \\(pid {os.getpid()}\\), which "
             "registers or takes back probes; Ctrl-C ends this")
    for command, expected in (("record", 128 + signal.SIGINT), ("live", 3)):
        one = ColoPerf(command, "-p", process.pid)
        wait_until(lambda one=one: one.said, "waiting")
        said, begin = one.said, time.monotonic()
        status = one.end()
        took = time.monotonic() - begin
        check(f"{command} says for whom it waits, and SIGINT ends that at once",
              re.fullmatch(waits, said) and status == expected and took < PROMPT_S,
              f"status {status}, {took:.2f} s, {one.said}")
    os.close(directory)
    with contextlib.suppress(OSError):
        STATE.rmdir()
    process.stop()
    machine.check_clean("a wait for the lock")


def check_signal(files, machine):
    """SIGINT as soon as there is a probe. If perf runs already, the kernel closes its probes first,
    a tenth of a second each; test_registration_races ends it between two lines."""
    process = Process(files.program)
    one = ColoPerf("record", "-F", 0, "-p", process.pid)
    wait_until(lambda: machine.ours() or one.has_ended(), "the first probe")
    status = one.end()
    check("SIGINT before the recording has begun ends it", status == 128 + signal.SIGINT,
          f"status {status}, {one.said}")
    process.stop()
    machine.check_clean("SIGINT before the recording has begun")


# --- The state of what is registered (number 12) ---

def limit_files(number):
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (number, number))


def check_state(files, machine):
    """One instance that cannot read the state does not take away what another one needs."""
    process = Process(files.program).begin()
    first = ColoPerf("record", "-F", 0, "-p", process.pid)
    first.wait_begun()
    needed, added = machine.ours(), (STATE / "added").read_bytes()
    lost, statuses = 0, {}
    for number in range(4, 20):
        second = ColoPerf("record", "--check", "-p", process.pid, limits=limit_files(number))
        statuses[number] = second.wait()
        lost += machine.ours() != needed or (STATE / "added").read_bytes() != added
        if statuses[number] and not second.said:
            lost += 1
    check("with too few descriptors it leaves the state alone, and says so",
          needed and not lost and set(statuses.values()) == {0, 1}, f"{lost} lost, {statuses}")
    status = first.end()
    check("the first one's recording is whole", status == 0 and "nothing lost" in first.said,
          f"status {status}, {first.said}")
    process.stop()
    machine.check_clean("too few descriptors")


def write_events(line):
    # Never O_TRUNC, which would remove those of others.
    events = os.open(EVENTS, os.O_WRONLY | os.O_APPEND)
    try:
        os.write(events, f"{line}\n".encode())
    finally:
        os.close(events)


def check_newline(files, machine):
    """A path that reads like the line of an administrator."""
    line = f"p:{GROUP}/colo_security /bin/true:0x0000000000002000"
    write_events(line)
    machine.before.add(line)
    try:
        path = files.users(f"x\n{line}\ny")
        for directory in list(path.parents)[:-1]:
            if files.user in directory.parents:
                files.give(directory)
        process = Process(path, prefix=AS_USER).begin()
        one = ColoPerf("record", "-F", 0, "-d", "0.3", "-p", process.pid)
        status = one.wait()
        check("a newline in a program's path makes no line of the state", status == 0
              and line in lines(), f"status {status}, {one.said}")
        process.stop()
    finally:
        if line in lines():
            write_events("-" + line[1:])
    machine.check_clean("a newline in a path")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--colo-perf", default="build/colo-perf")
    ColoPerf.program = os.path.abspath(parser.parse_args().colo_perf)
    mounted = not EVENTS.exists()
    if mounted:
        run("mount", "-t", "tracefs", "tracefs", TRACEFS)
    with tempfile.TemporaryDirectory(prefix="check-security-") as directory:
        ColoPerf.work = work = pathlib.Path(directory)
        try:
            files, machine = Files(work), Machine()
            check_exchange(files, machine)
            check_semaphores(files, machine)
            check_served(files, machine)
            check_trust(files, machine)
            check_bounds(files, machine)
            check_lock(files, machine)
            check_signal(files, machine)
            check_state(files, machine)
            check_newline(files, machine)
        finally:
            for one in list(ColoPerf.running):
                one.process.terminate()
                one.wait()
            for process in list(Process.running):
                process.stop()
            if mounted:
                subprocess.run(["umount", TRACEFS], check=False)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
