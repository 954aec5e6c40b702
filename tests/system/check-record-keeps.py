#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""colo-perf record keeps what is needed to read a recording: when perf does not end well, when
files are removed, replaced or in a container, when another perf disturbs, when the program goes on
in the background.

It needs root, perf, gcc, sys/sdt.h and unshare. It registers probes of its own, takes them back,
and prints TAP.

usage: check-record-keeps.py [--colo-perf PROGRAM]
"""

import argparse
import importlib.util
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

sys.dont_write_bytecode = True
import perf_script  # pylint: disable=wrong-import-position
from workload_record import CC, FRAME_POINTERS, HERE, PROBES, extract_header, run  # pylint: disable=wrong-import-position
from tap import check, finish  # pylint: disable=wrong-import-position

# What check-record.py records with; its name is none of a module.
SPEC = importlib.util.spec_from_file_location("check_record", HERE / "check-record.py")
check_record = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(check_record)
Machine, Recorder, Workload = check_record.Machine, check_record.Recorder, check_record.Workload
sequences, is_gapless, wait_until = \
    check_record.sequences, check_record.is_gapless, check_record.wait_until

LONG = 1000000  # checkpoints: more than any test waits for
LIBRARY = "libkept-work.so"
SAMPLES = ("-e", "cpu-clock", "-F", 997)
NOBODY = 65534
KERNEL = "[kernel.kallsyms]"


class Programs:
    """kept-workload with its library beside it, in directories of their own."""

    def __init__(self, work):
        self.directory = work / "programs"
        self.original = self.directory / "original"
        self.original.mkdir(parents=True)
        extract_header(self.directory)
        run(*CC, *FRAME_POINTERS, "-DWORK=work_in_library", "-fPIC", "-shared",
            "-Wl,--build-id=sha1", f"-Wl,-soname,{LIBRARY}", HERE / "workload-library.c", "-o", self.original / LIBRARY)
        run(*CC, *PROBES, f"-I{self.directory}", *FRAME_POINTERS, "-Wl,--build-id=sha1",
            HERE / "kept-workload.c", HERE / "workload-probes.c", self.original / LIBRARY,
            "-Wl,-rpath,$ORIGIN", "-o", self.original / "program")
        self.asker = self.directory / "build-id-asker"
        run(*CC, HERE / "build-id-asker.c", "-o", self.asker)

    def copy(self, name):
        shutil.copytree(self.original, self.directory / name)
        return self.directory / name / "program"


def build_id(path):
    return re.search(r"Build ID: (\w+)", run("readelf", "-n", path)).group(1)


def started(program, *arguments, prefix=(), name=None):
    """A workload that already runs its program, and has hit nothing yet."""
    workload = Workload(program, LONG, *arguments, prefix=prefix)
    wait_until(lambda: os.readlink(f"/proc/{workload.pid}/exe").endswith(name or str(program)),
               str(program))
    # Its library, too.
    wait_until(lambda: LIBRARY in pathlib.Path(f"/proc/{workload.pid}/maps").read_text(
        encoding="utf-8"), LIBRARY)
    return workload


def report(path, *options, environment=None):
    done = subprocess.run([Recorder.program, "report", "--json", *options, path],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
                          check=False, env=dict(os.environ, **(environment or {})))
    return json.loads(done.stdout) if done.returncode == 0 else {"error": done.stderr}


def functions(document):
    """The names of the functions in `ram`, of all sessions."""
    return {function["name"] for session in document.get("sessions", [])
            for profile in session["profiles"] if profile["phase"] == "ram"
            for function in profile["functions"]}


def codes(document):
    return [warning["code"] for warning in document.get("warnings", [])]


def messages(document):
    return " ".join(warning["message"] for warning in document.get("warnings", []))


def hits_of(path):
    hits, samples = perf_script.read(path)
    return len(hits), len(samples)


# --- Tests ---

def check_build_ids(programs, machine):
    """What perf does not write any more is in the recording: perf and we find it there."""
    program = programs.copy("plain")
    workload = started(program)
    recorder = Recorder("plain", *SAMPLES, "-p", workload.pid).wait_ready()
    workload.begin()
    time.sleep(0.7)
    status = recorder.end()
    workload.stop()
    listed = dict(reversed(line.split(None, 1)) for line in
                  run("perf", "buildid-list", "-i", recorder.path).splitlines())
    check("record writes the build-ids of the program, its library and the kernel",
          status == 0 and listed.get(str(program)) == build_id(program)
          and listed.get(str(program.parent / LIBRARY)) == build_id(program.parent / LIBRARY)
          and KERNEL in listed, listed)
    document = report(recorder.path)
    check("names are found by them", {"work_in_library", "main"} <= functions(document)
          and "no_symbols" not in codes(document), messages(document))
    recording = document["recordings"][0]
    check("perf reads the same hits and samples", hits_of(recorder.path) == (
        recording["probe_hits"], recording["samples"] - recording["probe_hits"]))
    machine.check_clean("a recording with build-ids")


def check_advice(programs, machine, work):
    """Somebody who may not see the kernel's addresses is told what stands in the way here."""
    workload = started(programs.copy("advice"))
    recorder = Recorder("advice", *SAMPLES, "-p", workload.pid).wait_ready()
    workload.begin()
    time.sleep(0.5)
    recorder.end()
    workload.stop()
    os.chmod(work, 0o755)
    os.chmod(recorder.path, 0o644)
    sysctls = {name: pathlib.Path("/proc/sys/kernel", name) for name in
               ("kptr_restrict", "perf_event_paranoid")}
    before = {name: path.read_text(encoding="ascii") for name, path in sysctls.items()}
    rows = ((0, 2, r"kernel\.perf_event_paranoid is 2 and you lack CAP_SYSLOG: run this as root, or "
             "set the sysctl to 1"),
            (1, -1, r"kernel\.kptr_restrict is 1 and you lack CAP_SYSLOG: run this as root"),
            (2, -1, r"kernel\.kptr_restrict is 2, which hides them from root as well"),
            (0, 1, None))
    try:
        for kptr_restrict, paranoid, advice in rows:
            sysctls["kptr_restrict"].write_text(str(kptr_restrict), encoding="ascii")
            sysctls["perf_event_paranoid"].write_text(str(paranoid), encoding="ascii")
            done = subprocess.run(["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}",
                                   "--clear-groups", Recorder.program, "report", recorder.path],
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                                  encoding="utf-8")
            hidden = "hides all addresses" in done.stdout
            check(f"kptr_restrict {kptr_restrict}, perf_event_paranoid {paranoid}: the advice is "
                  "what helps", done.returncode == 0 and hidden == bool(advice)
                  and (not advice or re.search(advice, done.stdout)),
                  [line for line in done.stdout.splitlines() if "kernel" in line][:3])
    finally:
        for name, path in sysctls.items():
            path.write_text(before[name], encoding="ascii")
    machine.check_clean("a recording for somebody else")


def check_other_perf(programs, machine):
    """Another perf asks the kernel for build-ids, which marks our records, too."""
    program = programs.copy("disturbed")
    asker = subprocess.Popen([programs.asker], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    asker.stdout.readline()
    recorder = Recorder("disturbed", *SAMPLES, "--", program, 60)
    recorder.wait_ready()
    recorder.process.stdin.write(b"\n")
    status = recorder.wait()
    asker.communicate()
    document = report(recorder.path)
    check("a COMMAND is recorded while another perf asks for build-ids", status == 0
          and list(sequences(document).values()) == [list(range(1, 61))], recorder.said())
    check("its names are found", {"work_in_library", "main"} <= functions(document)
          and "no_symbols" not in codes(document), messages(document))
    done = subprocess.run(["perf", "script", "-i", recorder.path, "--show-mmap-events"],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    check("perf reads the recording", done.returncode == 0
          and f"<{build_id(program)}>" in done.stdout.decode(errors="replace"), done.stderr[-300:])
    machine.check_clean("a recording beside another perf")


def check_salvaged(name, recorder, status, path, why, least=1):
    """What perf did not complete: kept, and read by everybody without further ado.

    The first `least` checkpoints are in it: later ones may have been in the buffer of a CPU that
    perf had not written yet.
    """
    said = recorder.said()
    check(f"{name}: status 1, and one line says why and where the recording is", status == 1
          and re.search(f"^colo-perf record: perf record {why}.*: what was recorded until then "
                        f"is in {path}$", said, re.M)
          and recorder.lines()[-1] == f"file={path}", said)
    document = report(path)
    seen = list(sequences(document).values())
    check(f"{name}: report reads it, with the names, and says that it is cut",
          len(seen) == 1 and len(seen[0]) >= least
          and seen[0][:least] == list(range(1, least + 1))
          and "work_in_library" in functions(document) and codes(document)[0] == "damaged"
          and "formats_elsewhere" not in codes(document),
          (seen and seen[0][:3] + seen[0][-3:], sorted(functions(document)), codes(document),
           messages(document), document.get("error")))
    recording = document["recordings"][0]
    check(f"{name}: perf reads the same hits and samples", hits_of(path) == (
        recording["probe_hits"], recording["samples"] - recording["probe_hits"]),
        (hits_of(path), recording))


def part_of(recorder):
    """Where it says that the recording has stayed."""
    part = recorder.lines()[-1].removeprefix("file=")
    if not re.fullmatch(re.escape(str(recorder.path)) + r"\.part\.[0-9a-f]{8}", part):
        raise RuntimeError(f"{recorder.path.name}: {recorder.lines()}, {recorder.said()}")
    return part


def check_killed_perf(programs, machine):
    workload = started(programs.copy("killed"))
    recorder = Recorder("perf-killed", *SAMPLES, "-m", "64K", "-p", workload.pid).wait_ready()
    workload.begin()
    time.sleep(1)
    os.kill(recorder.perf(), signal.SIGKILL)
    status = recorder.wait()
    machine.check_clean("SIGKILL of perf")
    check_salvaged("perf was killed", recorder, status, recorder.path, "was killed by SIGKILL", 50)

    before = recorder.path.read_bytes()
    recorder = Recorder("perf-killed", *SAMPLES, "-m", "64K", "-p", workload.pid).wait_ready()
    time.sleep(0.5)
    os.kill(recorder.perf(), signal.SIGKILL)
    status = recorder.wait()
    workload.stop()
    part = part_of(recorder)
    check("what is not complete does not replace an older recording", status == 1
          and recorder.path.read_bytes() == before and sequences(report(part)), recorder.said())
    pathlib.Path(part).unlink()
    machine.check_clean("another SIGKILL of perf")

    workload = started(programs.copy("killed-early"))
    recorder = Recorder("nothing", "-F", 0, "-p", workload.pid).wait_ready()
    os.kill(recorder.perf(), signal.SIGKILL)
    status = recorder.wait()
    workload.stop()
    check("a recording without a single hit or sample is not kept", status == 1
          and recorder.said().endswith("colo-perf record: perf record was killed by SIGKILL")
          and not recorder.path.exists(), recorder.said())
    machine.check_clean("SIGKILL of perf before anything happened")


def check_full_disk(programs, machine, work):
    workload = started(programs.copy("full"))
    disk = work / "disk"
    disk.mkdir()
    run("mount", "-t", "tmpfs", "-o", "size=1m", "none", disk)
    try:
        recorder = Recorder("disk/full", *SAMPLES, "-p", workload.pid).wait_ready()
        workload.begin()
        status = recorder.wait()
        check_salvaged("the disk is full", recorder, status, recorder.path,
                       "has failed .*No space left on device", 0)
    finally:
        run("umount", disk)
    workload.stop()
    machine.check_clean("a full disk")


def check_rename(programs, machine):
    workload = started(programs.copy("renamed"))
    recorder = Recorder("renamed", *SAMPLES, "-p", workload.pid).wait_ready()
    workload.begin()
    time.sleep(0.5)
    recorder.path.mkdir()
    status = recorder.end()
    workload.stop()
    part = part_of(recorder)
    check("when it cannot be renamed the recording stays where it is, and that is said",
          status == 1 and f"the recording is in {part}: cannot write {recorder.path}: " in recorder.said()
          and sequences(report(part)), recorder.said())
    pathlib.Path(part).unlink()
    machine.check_clean("a failed rename")


def container(programs, name):
    """The prefix of a command that sees its program in a file system of its own."""
    inside = programs.directory / name
    inside.mkdir()
    script = f'mount -t tmpfs none {inside} && cp {programs.original}/* {inside}/ && exec "$@"'
    return inside / "program", ("unshare", "-m", "sh", "-c", script, "sh")


def check_lost_files(programs, machine, work):
    """Files that nobody finds any more when the processes have ended."""
    home = work / "home"
    home.mkdir(mode=0o700)
    environment = {"HOME": str(home)}
    removed, replaced = programs.copy("removed"), programs.copy("replaced")
    hidden, prefix = container(programs, "hidden")
    workloads = [started(removed), started(replaced), started(hidden, prefix=prefix)]
    # Without the build-id of the recorded one, and with other functions there.
    shutil.rmtree(removed.parent)
    for name in ("program", LIBRARY):
        (replaced.parent / name).unlink()
        shutil.copy("/bin/true", replaced.parent / name)
    recorder = Recorder("lost", *SAMPLES, "-p", ",".join(str(one.pid) for one in workloads),
                        environment=environment).wait_ready()
    for workload in workloads:
        workload.begin()
    time.sleep(1)
    # The last one ends before the recording.
    workloads[2].stop()
    time.sleep(0.3)
    status = recorder.end()
    for workload in workloads[:2]:
        workload.stop()
    document = report(recorder.path, environment=environment)
    names = [{function["name"] for profile in session["profiles"] if profile["phase"] == "ram"
              for function in profile["functions"]} for session in document["sessions"]]
    check("programs and libraries that were removed, replaced or in a container have names when "
          "the processes are gone", status == 0 and len(names) == 3
          and all({"work_in_library", "main"} <= one for one in names), messages(document))
    copies = sorted(path.name for path in (home / ".debug" / "colo-perf").iterdir())
    check("what was lost is in perf's cache, and nothing else", copies == [LIBRARY, "program"]
          and "copied 2 files that the processes run to" in recorder.said(), (copies, recorder.said()))
    run("perf", "buildid-cache", "--purge-all", env=dict(os.environ, **environment))
    left = list((home / ".debug").glob("**/elf"))
    check("perf removes it with the rest of its cache", not left, left)
    machine.check_clean("files that are lost")


def check_root_of_process(programs, machine, work):
    """A recording that perf made alone: /proc/PID/root while the process lives, then a hint."""
    program, prefix = container(programs, "inside")
    workload = started(program, prefix=prefix)
    path = work / "alone.data"
    recorder = Recorder("registers", "-F", 0, "-p", workload.pid).wait_ready()
    events = [word for line in machine.events() for word in ("-e", f"sdt_qemu:{line}")]
    alone = subprocess.Popen(["perf", "record", "-q", "-N", "-B", *events, "-e",
                              "cpu-clock/freq=997,call-graph=fp/", "-p", str(workload.pid), "-o",
                              path], stderr=subprocess.DEVNULL)
    wait_until(lambda: path.exists() and path.stat().st_size, "perf")
    time.sleep(1)
    workload.begin()
    time.sleep(0.7)
    alone.send_signal(signal.SIGINT)
    alone.wait()
    recorder.end()
    document = report(path)
    check("report finds the files of a process in a container by its root while it lives",
          {"work_in_library", "main"} <= functions(document), messages(document))
    workload.stop()
    document = report(path)
    check("afterwards it says what to do", "work_in_library" not in functions(document)
          and re.search("container.*colo-perf record", messages(document)), messages(document))
    machine.check_clean("a recording of perf alone")


def running(program):
    """The processes that run it."""
    pids = []
    for link in pathlib.Path("/proc").glob("[0-9]*/exe"):
        try:
            if os.readlink(link) == str(program):
                pids.append(int(link.parent.name))
        except OSError:
            # It is the kernel's, or has ended.
            continue
    return pids


def check_daemon(programs, machine):
    """The program goes to the background as QEMU does with -daemonize."""
    for name, options in (("to its end", ()), ("to --duration", ("-d", "1.5"))):
        program = programs.copy("daemon" + name.replace(" ", "-"))
        count = 60 if not options else LONG
        recorder = Recorder(f"daemon-{len(options)}", *SAMPLES, *options, "--", program, count,
                            "-daemonize").wait_ready()
        recorder.process.stdin.write(b"\n")
        status = recorder.wait()
        seen = sequences(recorder.report())
        pids = re.findall(r"goes on as process (\d+)", recorder.said())
        left = running(program)
        numbers = list(seen.values())[0] if seen else []
        check(f"a COMMAND that goes on in the background is recorded {name}",
              status == 0 and len(pids) == 1 and list(seen) == [int(pids[0])]
              and is_gapless(numbers) and numbers[0] == 1
              and (numbers[-1] == count if not options else len(numbers) > 20),
              (len(numbers), recorder.said()))
        check("and is left alone", left == ([int(pids[0])] if options and pids else []), left)
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda program=program: not running(program), "daemon")
        machine.check_clean("a COMMAND in the background")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--colo-perf", default="build/colo-perf")
    Recorder.program = os.path.abspath(parser.parse_args().colo_perf)
    with tempfile.TemporaryDirectory(prefix="check-record-keeps-") as directory:
        Recorder.work = work = pathlib.Path(directory)
        with check_record.everything_ended():
            programs, machine = Programs(work), Machine(work)
            check_build_ids(programs, machine)
            check_advice(programs, machine, work)
            check_other_perf(programs, machine)
            check_killed_perf(programs, machine)
            check_full_disk(programs, machine, work)
            check_rename(programs, machine)
            check_lost_files(programs, machine, work)
            check_root_of_process(programs, machine, work)
            check_daemon(programs, machine)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
