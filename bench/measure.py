# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the benchmarks share: a command's time and memory, and what machine it ran on.

import os
import platform
import signal
import subprocess
import time

MIB = 1024 * 1024


def run(command):
    """Runs the command for bash, without its output. Seconds, and the peak memory in bytes of the largest process."""
    begin = time.monotonic()
    child = subprocess.Popen(["bash", "-c", f"{{ {command}; }} >/dev/null 2>&1"], start_new_session=True)
    try:
        _, status, usage = os.wait4(child.pid, 0)
    except BaseException:
        os.killpg(child.pid, signal.SIGKILL)
        raise
    if status:
        raise SystemExit(f"{command}: exit status {os.waitstatus_to_exitcode(status)}")
    return time.monotonic() - begin, usage.ru_maxrss * 1024


def version(program):
    return subprocess.run([program, "--version"], check=True, text=True, stdout=subprocess.PIPE).stdout.strip()


def machine(*programs):
    """"2 CPUs, Linux 6.18, perf version 6.1.187, colo-perf 0.1.0"."""
    return ", ".join([f"{os.cpu_count()} CPUs", f"Linux {platform.release()}", *map(version, programs)])
