#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""How `colo-perf live` ends when its stream, its terminal or its reader does not do what it waits
for. Nothing here depends on how long something takes: what should end is waited for. Prints TAP.

usage: live_ends.py COLO-PERF DIRECTORY
"""

import fcntl
import os
import pty
import signal
import subprocess
import sys
import time

PATIENCE_S = 30
PIPE_BYTES = 4096
results = []


def check(name, ok, detail=""):
    results.append(bool(ok))
    print(f"{'ok' if ok else 'not ok'} {len(results)} - {name}{': ' if detail else ''}{detail}")


def wait(process):
    """Its status; None when it had to be killed."""
    try:
        return process.wait(timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return None


def blocks_signals(process):
    for line in open(f"/proc/{process.pid}/status", encoding="ascii"):
        if line.startswith("SigBlk:"):
            return int(line.split()[1], 16) & 1 << (signal.SIGTERM - 1)
    return False


def wait_until(condition):
    until = time.monotonic() + PATIENCE_S
    while not condition() and time.monotonic() < until:
        time.sleep(0.01)


class Live:
    """colo-perf live on a FIFO that nobody writes, with what it says in a pipe."""

    def __init__(self, program, fifo, *options, stdout=subprocess.PIPE, term="dumb"):
        self.process = subprocess.Popen([program, "live", "-i", fifo, "--interval", "0.01", *options],
                                        stdin=subprocess.DEVNULL, stdout=stdout,
                                        stderr=subprocess.PIPE, start_new_session=True,
                                        env=dict(os.environ, TERM=term))
        wait_until(lambda: blocks_signals(self.process))

    def end(self, number):
        """(status, stderr)"""
        self.process.send_signal(number)
        status = wait(self.process)
        return status, self.process.stderr.read().decode()


def check_fifo(program, fifo):
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        status, said = Live(program, fifo).end(number)
        check(f"live -i FIFO without a writer ends by {number.name}, with one line",
              status == 3 and said == f"colo-perf live: {fifo}: ended before anything came from it\n",
              f"status {status}, {said.strip()}")
    live = Live(program, fifo)
    for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM, signal.SIGPROF, signal.SIGRTMIN):
        live.process.send_signal(number)
    # A writer that goes without a word ends it; before, it was there.
    os.close(os.open(fifo, os.O_WRONLY))
    status = wait(live.process)
    said = live.process.stderr.read().decode()
    check("signals that mean nothing are passed over, and the end of the stream is seen",
          status == 1 and "it has 0 bytes" in said, f"status {status}, {said.strip()}")


def check_nohup(program, fifo):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    live = Live(program, fifo)
    signal.signal(signal.SIGHUP, before)
    live.process.send_signal(signal.SIGHUP)
    os.close(os.open(fifo, os.O_WRONLY))
    status = wait(live.process)
    check("SIGHUP that nohup ignores is passed over", status == 1, f"status {status}")


def check_terminal(program, fifo):
    master, slave = pty.openpty()
    live = Live(program, fifo, stdout=slave, term="xterm")
    os.close(slave)
    os.read(master, 1)
    os.close(master)
    status = wait(live.process)
    check("a terminal that is gone without SIGHUP ends it", status in (1, 3), f"status {status}")


def check_stopped_terminal(program, fifo):
    """Its output is not read, as by Ctrl-S."""
    master, slave = pty.openpty()
    before = fcntl.fcntl(slave, fcntl.F_GETFL)
    fcntl.fcntl(slave, fcntl.F_SETFL, before | os.O_NONBLOCK)
    try:
        while True:
            os.write(slave, b"x" * PIPE_BYTES)
    except BlockingIOError:
        pass
    fcntl.fcntl(slave, fcntl.F_SETFL, before)
    live = Live(program, fifo, stdout=slave, term="xterm")
    live.process.send_signal(signal.SIGTERM)
    # Its last line may wait for the terminal: from there on a signal does what it always does.
    wait_until(lambda: live.process.poll() is not None or not blocks_signals(live.process))
    live.process.send_signal(signal.SIGTERM)
    status = wait(live.process)
    check("a terminal that takes nothing does not keep it from ending",
          status in (1, 3, -signal.SIGTERM), f"status {status}")
    os.close(slave)
    os.close(master)


def check_reader(program, fifo):
    """Standard output is a pipe that is full."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    try:
        while True:
            os.write(writer, b"x" * PIPE_BYTES)
    except BlockingIOError:
        pass
    os.set_blocking(writer, True)
    live = Live(program, os.path.join(os.path.dirname(fifo), "in", "profile.data"), "--json",
                stdout=writer)
    live.process.send_signal(signal.SIGTERM)
    wait_until(lambda: live.process.poll() is not None or not blocks_signals(live.process))
    live.process.send_signal(signal.SIGTERM)
    status = wait(live.process)
    check("a reader who does not read does not keep it from ending",
          status in (1, -signal.SIGTERM), f"status {status}")
    os.close(reader)
    os.close(writer)


def main():
    program, fifo = sys.argv[1], os.path.join(sys.argv[2], "stream.fifo")
    os.mkfifo(fifo)
    for test in (check_fifo, check_nohup, check_terminal, check_stopped_terminal, check_reader):
        test(program, fifo)
    print(f"1..{len(results)}")


if __name__ == "__main__":
    main()
