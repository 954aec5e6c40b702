#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The client of the test guest: asks guest/answer.c at a chosen rate and notes each answer as a JSON line. It knows nothing
# of COLO; start-pair.sh starts it in the client's network namespace.

"""
usage: ask-guest.py [--rate N] [--differ-every N] [--log FILE] ADDRESS PORT     ask until SIGTERM
       ask-guest.py --summary FILE                                              say what a log holds

The lines of --log: {"number": 7, "kind": "same", "time_us": 1700000000000000, "latency_us": 812}, time_us being the wall
clock at the answer; a line of a request that failed has "error" in the place of latency_us. Every answer is checked as far
as it is known before. After a failure the connection is made anew. Requests have numbers by the clock: those that an answer
took too long for are left out, but if one of them was to differ, the next one does.
"""

import argparse
import json
import random
import signal
import socket
import sys
import time

TIMEOUT_S = 10
RETRY_S = 0.2
WORDS = 32
MASK = (1 << 64) - 1


def next_word(word):
    return (word * 6364136223846793005 + 1442695040888963407) & MASK


def differs(number, every):
    """Whether this one is to differ: one of so many, at irregular intervals, the same ones in each run."""
    return every > 0 and random.Random(number).randrange(every) == 0


def expected_answer(number):
    """What both sides of a pair answer to `same NUMBER`; guest/answer.c says the same in C."""
    words, word = [], next_word(number)
    for _ in range(WORDS):
        words.append(f"{word:016x}")
        word = next_word(word)
    return f"{number} {' '.join(words)}\n"


class Connection:
    def __init__(self, address, port):
        self.peer = (address, port)
        self.sock = None
        self.buffer = b""

    def close(self):
        if self.sock:
            self.sock.close()
        self.sock = None
        self.buffer = b""

    def ask(self, request):
        if not self.sock:
            self.sock = socket.create_connection(self.peer, TIMEOUT_S)
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.sendall(request.encode())
        while b"\n" not in self.buffer:
            data = self.sock.recv(65536)
            if not data:
                raise OSError("the guest has closed the connection")
            self.buffer += data
        line, _, self.buffer = self.buffer.partition(b"\n")
        return line.decode(errors="replace") + "\n"


def ask_once(connection, number, kind):
    begin = time.monotonic()
    line = {"number": number, "kind": kind}
    try:
        answer = connection.ask(f"{kind} {number}\n")
        line["time_us"] = time.time_ns() // 1000
        if kind == "same" and answer != expected_answer(number):
            raise OSError("a wrong answer")
        if kind == "differ" and (len(answer) != len(expected_answer(number)) or not answer.startswith(f"{number} ")):
            raise OSError("a wrong answer")
        line["latency_us"] = int((time.monotonic() - begin) * 1e6)
    except OSError as error:
        connection.close()
        line["time_us"] = time.time_ns() // 1000
        line["error"] = error.strerror or str(error)
    return line


def ask(arguments):
    connection = Connection(arguments.address, arguments.port)
    begin = time.monotonic()
    number = 0
    with open(arguments.log, "a", encoding="utf-8", buffering=1) as out:
        while True:
            last, number = number, max(number + 1, int((time.monotonic() - begin) * arguments.rate))
            time.sleep(max(0, begin + number / arguments.rate - time.monotonic()))
            differ = any(differs(skipped, arguments.differ_every) for skipped in range(last + 1, number + 1))
            line = ask_once(connection, number, "differ" if differ else "same")
            out.write(json.dumps(line) + "\n")
            if "error" in line:
                time.sleep(RETRY_S)


def summary(path):
    with open(path, encoding="utf-8") as file:
        # The last line may have been cut.
        lines = [json.loads(line) for line in file if line.endswith("\n")]
    latencies = [line["latency_us"] for line in lines if "latency_us" in line]
    errors = [line["error"] for line in lines if "error" in line]
    text = f"{len(latencies)} answers"
    if latencies:
        differing = sum(line["kind"] == "differ" for line in lines if "latency_us" in line)
        text += (f", {differing} of which differed, after {sum(latencies) / len(latencies) / 1000:.1f} ms on average and "
                 f"{max(latencies) / 1000:.1f} ms at most")
    if errors:
        text += f"; {len(errors)} requests failed, the last one with: {errors[-1]}"
    print(text)


def main():
    parser = argparse.ArgumentParser(usage=__doc__.strip().removeprefix("usage: "))
    parser.add_argument("--rate", type=float, default=10)
    parser.add_argument("--differ-every", type=int, default=10)
    parser.add_argument("--log", default="/dev/stdout")
    parser.add_argument("--summary", metavar="FILE")
    parser.add_argument("address", nargs="?")
    parser.add_argument("port", nargs="?", type=int)
    arguments = parser.parse_args()
    if arguments.summary:
        summary(arguments.summary)
        return
    if arguments.port is None or arguments.rate <= 0:
        parser.error("an address, a port and a rate above 0 are needed")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    ask(arguments)


if __name__ == "__main__":
    main()
