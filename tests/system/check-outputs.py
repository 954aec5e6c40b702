#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What colo-perf writes as root, where a user who is not root has been before: no link, file or
FIFO of theirs decides what is written or replaced.

It needs root, gcc, sys/sdt.h, perf, zstd and setpriv. It records a program of its own, so it
registers probes and takes them back. It prints TAP.

usage: check-outputs.py [--colo-perf PROGRAM]
"""

import argparse
import os
import pathlib
import stat
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
from workload_record import ROOT, build_paced, run  # pylint: disable=wrong-import-position
from tap import check, finish, skip  # pylint: disable=wrong-import-position

NOBODY = 65534
AS_NOBODY = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
PRECIOUS = b"what nobody but root may change\n"
HANGS_S = 30
SECRET = 0o600


class Place:
    """A directory that everybody may write into, beside one that is root's, with a file."""

    def __init__(self, work):
        self.open = work / "open"
        self.open.mkdir()
        self.open.chmod(0o1777)
        self.theirs = work / "theirs"
        self.theirs.mkdir()
        os.chown(self.theirs, NOBODY, NOBODY)
        self.safe = work / "safe"
        self.safe.mkdir(mode=0o700)
        self.victim = self.safe / "victim"
        self.reset()

    def reset(self):
        """The file as it should stay, and no other."""
        for one in self.safe.iterdir():
            one.unlink()
        self.victim.write_bytes(PRECIOUS)
        self.victim.chmod(SECRET)

    def is_safe(self):
        """Nothing of root's has changed, nothing was added."""
        status = self.victim.stat()
        return (self.victim.read_bytes() == PRECIOUS and status.st_uid == 0
                and stat.S_IMODE(status.st_mode) == SECRET
                and [one.name for one in self.safe.iterdir()] == [self.victim.name])


class Writer:
    """A way to have colo-perf write a file."""

    def __init__(self, name, program, *arguments):
        self.name, self.command = name, [program, *map(str, arguments)]

    def run(self, *output, cwd=None):
        """(status, what it said, without warnings about the recording)"""
        try:
            done = subprocess.run([*self.command[:2], *map(str, output), *self.command[2:]],
                                  input="\n", stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  encoding="utf-8", check=False, cwd=cwd, timeout=HANGS_S)
        except subprocess.TimeoutExpired:
            return None, f"no end within {HANGS_S} s"
        lines = done.stderr.splitlines(keepends=True)
        return done.returncode, "".join(one for one in lines if not one.startswith("warning: "))


def plant(*command):
    run(*AS_NOBODY, *command)


def planted(place):
    """{what it is: (path to be written, what is said of it)}; uid 65534 has made each."""
    link = f"it leads through a link of uid {NOBODY}"
    theirs = f"it belongs to uid {NOBODY}, in a directory where others may write"
    plant("ln", "-s", place.victim, place.open / "perf.data")
    plant("ln", "-s", place.safe / "new", place.open / "dangling")
    plant("ln", "-s", place.safe, place.open / "directory")
    plant("ln", "-s", "/dev/null", place.open / "device")
    plant("ln", "-s", place.victim, place.theirs / "link")
    plant("touch", place.open / "file")
    plant("mkfifo", place.open / "fifo")
    os.symlink("perf.data", place.open / "of-root")
    return {
        "a link to a file of root's": (place.open / "perf.data", link),
        "a link to a file that is not there": (place.open / "dangling", link),
        "a link to a directory of root's": (place.open / "directory" / "victim", link),
        "the same, and a new file": (place.open / "directory" / "new", link),
        "a link to a device": (place.open / "device", link),
        "a link in a directory of theirs": (place.theirs / "link", link),
        "a link of root's that leads to one of theirs": (place.open / "of-root", link),
        "a file": (place.open / "file", theirs),
        "a FIFO that nobody reads": (place.open / "fifo", theirs),
    }


def check_planted(writers, place):
    for what, (path, reason) in planted(place).items():
        for writer in writers:
            place.reset()
            before = os.lstat(path) if os.path.lexists(path) else None
            status, said = writer.run("-o", path)
            after = os.lstat(path) if os.path.lexists(path) else None
            start = f"colo-perf {writer.command[1]}: cannot write {path}: {reason}"
            check(f"{writer.name}: {what} of another user is refused with one line",
                  status == 1 and said.startswith(start) and said.count("\n") == 1, said)
            check(f"{writer.name}: ... and nothing is replaced or written",
                  place.is_safe() and (before and before.st_ino) == (after and after.st_ino)
                  and not list(place.open.glob("*.part.*")))


def check_default_name(writer, place):
    status, said = writer.run(cwd=place.open)
    check("record without -o, where somebody has planted a link perf.data, is refused",
          status == 1 and said.startswith("colo-perf record: cannot write perf.data: it leads")
          and place.is_safe(), said)


def check_own(writers, place):
    """What is one's own works in the same directory."""
    for writer in writers:
        target, link = place.open / "own-target", place.open / "own-link"
        link.symlink_to(target.name)
        for when in ("that points to nothing", "to a file"):
            status, said = writer.run("-o", link)
            check(f"{writer.name}: a link of one's own {when} stays, and its target is written",
                  status == 0 and link.is_symlink() and target.stat().st_size > 0, said)
        left = [one.name for one in place.open.iterdir() if ".part." in one.name]
        check(f"{writer.name}: no part is left", not left, left)
        link.unlink()
        target.unlink()
    # Theirs, but not where everybody writes: it is root who decides to write there.
    plain = place.theirs / "plain"
    plant("touch", plain)
    status, said = writers[0].run("-o", plain)
    check("a file of another user in their own directory is replaced by one of root's",
          status == 0 and plain.stat().st_uid == 0 and plain.stat().st_size > 0, said)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--colo-perf", default="build/colo-perf")
    colo_perf = os.path.abspath(parser.parse_args().colo_perf)
    if os.geteuid():
        skip("what root writes where others have been", "it needs root")
        return finish()
    os.umask(0o022)
    with tempfile.TemporaryDirectory(prefix="check-outputs-") as directory:
        work = pathlib.Path(directory)
        work.chmod(0o755)
        data = work / "profile.data"
        run("zstd", "-dq", ROOT / "tests" / "golden" / "profile.data.zst", "-o", data)
        record = Writer("record", colo_perf, "record", "-q", "-F", 0, "--", build_paced(work), 3,
                        1000, 0)
        writers = [Writer("flamegraph", colo_perf, "flamegraph", data),
                   Writer("flamegraph --folded", colo_perf, "flamegraph", "--folded", data), record]
        place = Place(work)
        check_planted(writers, place)
        check_default_name(record, place)
        check_own(writers, place)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
