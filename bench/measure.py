# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the benchmarks share: a command's time and memory, and what machine it ran on.

import os
import platform
import signal
import subprocess
import time

MIB = 1024 * 1024


def run_program(arguments):
    """
    Runs the program without its output. Seconds, and the peak memory in bytes of the largest process, or that of this Python
    if it is more, about 16 MiB: the kernel counts what a process was before its exec().
    """
    begin = time.monotonic()
    child = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                             start_new_session=True)
    try:
        _, status, usage = os.wait4(child.pid, 0)
    except BaseException:
        os.killpg(child.pid, signal.SIGKILL)
        raise
    if status:
        raise SystemExit(f"{arguments[-1]}: exit status {os.waitstatus_to_exitcode(status)}")
    return time.monotonic() - begin, usage.ru_maxrss * 1024


def run(command):
    """The same for a command of bash, which fails if any part of a pipe does."""
    return run_program(["bash", "-o", "pipefail", "-c", command])


def version(program):
    return subprocess.run([program, "--version"], check=True, text=True, stdout=subprocess.PIPE).stdout.strip()


def machine(*programs):
    """"2 CPUs, Linux 6.18, perf version 6.1.187, colo-perf 0.1.0"."""
    return ", ".join([f"{os.cpu_count()} CPUs", f"Linux {platform.release()}", *map(version, programs)])
