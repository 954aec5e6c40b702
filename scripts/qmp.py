#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A small QMP client for the scripts: runs one command, waits for a migration state, or writes QEMU's events to a file as
# JSON lines. It starts and stops no QEMU.

"""
usage: qmp.py SOCKET COMMAND [ARGUMENTS-AS-JSON]        run a command, print what it returns
       qmp.py --wait STATE --timeout S SOCKET...        wait until query-migrate says STATE on every socket
       qmp.py --events FILE SIDE=SOCKET...              append STOP, RESUME, ... to FILE until the sockets close
       qmp.py --port [NUMBER]                           say a free port of 127.0.0.1; fail if NUMBER is busy

The lines of --events: {"side": "primary", "event": "STOP", "time_us": 1700000000000000, "data": {...}};
time_us is QEMU's own time stamp, microseconds of the wall clock.
"""

import json
import selectors
import socket
import sys
import time

EVENTS = {"STOP", "RESUME", "COLO_EXIT", "MIGRATION", "SHUTDOWN", "RESET", "GUEST_PANICKED"}
COMMAND_TIMEOUT_S = 30


class QmpError(Exception):
    pass


class Qmp:
    """One connection. QEMU serves one client a socket."""

    def __init__(self, path, timeout=COMMAND_TIMEOUT_S):
        self.sock = socket.socket(socket.AF_UNIX)
        self.buffer = b""
        self.events = []
        deadline = time.monotonic() + timeout
        while True:
            try:
                self.sock.connect(path)
                break
            except OSError as error:
                if time.monotonic() > deadline:
                    raise QmpError(f"cannot connect to QMP socket {path}: {error.strerror}") from error
                time.sleep(0.05)
        self.path = path
        self.sock.settimeout(timeout)
        self.receive()
        self.execute("qmp_capabilities")

    def fileno(self):
        return self.sock.fileno()

    def receive(self):
        """The next message, None when QEMU has closed the connection."""
        while b"\n" not in self.buffer:
            try:
                data = self.sock.recv(65536)
            except socket.timeout as error:
                raise QmpError(f"no answer from QMP socket {self.path} for {self.sock.gettimeout():.0f} s") from error
            except ConnectionError:
                data = b""
            if not data:
                return None
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\n", 1)
        return json.loads(line)

    def execute(self, command, arguments=None):
        request = {"execute": command}
        if arguments is not None:
            request["arguments"] = arguments
        try:
            self.sock.sendall(json.dumps(request).encode() + b"\n")
        except OSError as error:
            raise QmpError(f"{command}: QMP socket {self.path}: {error.strerror}") from error
        while True:
            answer = self.receive()
            if answer is None:
                raise QmpError(f"{command}: QEMU closed QMP socket {self.path}")
            if "event" in answer:
                self.events.append(answer)
            elif "error" in answer:
                raise QmpError(f"{command}: {answer['error']['desc']}")
            elif "return" in answer:
                return answer["return"]


def wait_for_state(state, timeout, paths):
    deadline = time.monotonic() + timeout
    for path in paths:
        qmp = Qmp(path)
        while True:
            info = qmp.execute("query-migrate")
            status = info.get("status", "none")
            if status == state:
                break
            if status in ("failed", "cancelled", "completed"):
                raise QmpError(f"migration is in state '{status}' instead of '{state}': {info.get('error-desc', '')}")
            if time.monotonic() > deadline:
                detail = ""
                if "ram" in info:
                    detail = f", {info['ram']['remaining'] >> 20} MiB of RAM still to send"
                raise QmpError(f"migration is still in state '{status}' after {timeout:.0f} s{detail}")
            time.sleep(0.1)


def write_event(out, side, message):
    if message["event"] not in EVENTS:
        return
    stamp = message["timestamp"]
    line = {
        "side": side,
        "event": message["event"],
        "time_us": stamp["seconds"] * 1000000 + stamp["microseconds"],
        "data": message.get("data", {}),
    }
    out.write(json.dumps(line) + "\n")


def log_events(path, sides):
    selector = selectors.DefaultSelector()
    with open(path, "a", encoding="utf-8", buffering=1) as out:
        for side, socket_path in sides:
            qmp = Qmp(socket_path)
            for message in qmp.events:
                write_event(out, side, message)
            selector.register(qmp, selectors.EVENT_READ, side)
        print("ready", flush=True)
        while selector.get_map():
            for key, _ in selector.select():
                qmp = key.fileobj
                while True:
                    message = qmp.receive()
                    if message is None:
                        selector.unregister(qmp)
                        break
                    if "event" in message:
                        write_event(out, key.data, message)
                    if b"\n" not in qmp.buffer:
                        break


def free_port(number):
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("127.0.0.1", number))
            sock.listen()
        except OSError as error:
            raise QmpError(f"port {number} of 127.0.0.1 cannot be used ({error.strerror}): choose another one with "
                           "--port") from error
        print(sock.getsockname()[1])


def main(arguments):
    if not arguments or arguments[0] in ("-h", "--help"):
        print(__doc__.strip())
        return 0 if arguments else 2
    if arguments[0] == "--port" and len(arguments) <= 2:
        free_port(int(arguments[1]) if len(arguments) == 2 else 0)
    elif arguments[0] == "--wait" and len(arguments) >= 5 and arguments[2] == "--timeout":
        wait_for_state(arguments[1], float(arguments[3]), arguments[4:])
    elif arguments[0] == "--events" and len(arguments) >= 3:
        log_events(arguments[1], [side.split("=", 1) for side in arguments[2:]])
    elif not arguments[0].startswith("-") and len(arguments) in (2, 3):
        parsed = json.loads(arguments[2]) if len(arguments) == 3 else None
        print(json.dumps(Qmp(arguments[0]).execute(arguments[1], parsed)))
    else:
        print("qmp.py: wrong arguments (see qmp.py --help)", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except QmpError as problem:
        print(f"qmp.py: {problem}", file=sys.stderr)
        sys.exit(1)
