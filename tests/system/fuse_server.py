#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A file system with one file, "program", served by this very program: what a user may mount.

It speaks just as much of the protocol (linux/fuse.h, version 7.31) as running that file needs, and
lets the kernel keep nothing, so each look is a question. Prints a line when it is mounted.

usage: fuse_server.py PROGRAM DIRECTORY (as root, who mounts it in the user's name)
"""

import ctypes
import errno
import os
import struct
import sys

NOBODY = 65534
ROOT_NODE, FILE_NODE = 1, 2
DIRECTORY_MODE, FILE_MODE = 0o40755, 0o100755
LOOKUP, FORGET, GETATTR, OPEN, READ, RELEASE, FLUSH, INIT = 1, 2, 3, 14, 15, 18, 25, 26
INTERRUPT, BATCH_FORGET = 36, 42
UNANSWERED = (FORGET, BATCH_FORGET, INTERRUPT)
BUFFER = 1 << 20


def attributes(node, size):
    """struct fuse_attr; the owner may be called anybody."""
    mode = DIRECTORY_MODE if node == ROOT_NODE else FILE_MODE
    return struct.pack("<6Q10I", node, size, (size + 511) // 512, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0,
                       0, 4096, 0)


def answer(opcode, node, body, content):
    """The answer's body, or an errno."""
    size = len(content)
    if opcode == INIT:
        return struct.pack("<4I2H2I2H8I", 7, 31, 0, 0, 12, 9, 65536, 1, 0, 0, *[0] * 8)
    if opcode == LOOKUP:
        if body.rstrip(b"\0") != b"program":
            return errno.ENOENT
        return struct.pack("<4Q2I", FILE_NODE, 1, 0, 0, 0, 0) + attributes(FILE_NODE, size)
    if opcode == GETATTR:
        return struct.pack("<Q2I", 0, 0, 0) + attributes(node, size)
    if opcode == OPEN:
        return struct.pack("<Q2I", 0, 0, 0)
    if opcode == READ:
        offset, length = struct.unpack_from("<QI", body, 8)
        return content[offset:offset + length]
    return b"" if opcode in (RELEASE, FLUSH) else errno.ENOSYS


def serve(device, content):
    while True:
        try:
            request = os.read(device, BUFFER)
        except OSError as error:
            if error.errno == errno.ENODEV:
                return
            raise
        _, opcode, unique, node = struct.unpack_from("<2I2Q", request)
        if opcode in UNANSWERED:
            continue
        body = answer(opcode, node, request[40:], content)
        code, body = (-body, b"") if isinstance(body, int) else (0, body)
        os.write(device, struct.pack("<IiQ", 16 + len(body), code, unique) + body)


def main():
    program, directory = sys.argv[1:]
    device = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={device},rootmode=40000,user_id={NOBODY},group_id={NOBODY},allow_other"
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"program", directory.encode(), b"fuse.program", 0, options.encode()):
        sys.exit(f"mount: {os.strerror(ctypes.get_errno())}")
    print("mounted", flush=True)
    with open(program, "rb") as file:
        serve(device, file.read())


if __name__ == "__main__":
    main()
