#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Nothing in src/ hashes by another function than base/hash.h: those of GLib have no key, so anybody can write
# down what collides. Prints TAP.
#
#   tests/one-hash/check.py SOURCE-DIRECTORY

import pathlib
import re
import sys

# What there is in GLib, and what to use instead.
FORBIDDEN = (
    (r"g_str_hash|g_string_hash|g_bytes_hash|g_variant_hash", "hash_string or hash_bytes"),
    (r"g_direct_hash|g_hash_table_new(?:_full)?\s*\(\s*NULL\b", "hash_pointer"),
    (r"g_int64_hash|g_int_hash|g_double_hash", "hash_int64"),
    # These have a table inside.
    (r"g_string_chunk_insert_const|g_intern_(?:static_)?string|g_ref_string_new_intern", "string_table_add"),
    (r"g_quark_(?:from|try)_(?:static_)?string|g_datalist_(?:set|get)_data|g_dataset_set_data", "string_table_add"),
    (r"g_scanner_|g_key_file_", "a parser without tables"),
    (r"\bh(?:create|search)(?:_r)?\s*\(", "a GHashTable with a function of base/hash.h"),
)

# File and function, and why.
ALLOWED = {
    ("flame_svg.c", "g_str_hash"): "a box has the same colour in each run; there is no table",
}

# One use of each kind, as it could stand in a file: the check must find it.
EXAMPLES = (
    "table = g_hash_table_new(g_str_hash, g_str_equal);",
    "table = g_hash_table_new_full(\n\t\tNULL, NULL, NULL, g_free);",
    "table = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);",
    "name = g_string_chunk_insert_const(chunk, name);",
    "quark = g_quark_from_string(name);",
    "g_key_file_load_from_data(file, text, size, 0, NULL);",
    "entry = hsearch(item, ENTER);",
)


def uses(text):
    """What of the forbidden stands in a source, with its line and what to use instead."""
    for pattern, instead in FORBIDDEN:
        for match in re.finditer(pattern, text):
            name = re.match(r"\w+", match[0])[0]
            yield name, text.count("\n", 0, match.start()) + 1, instead


def main():
    source = pathlib.Path(sys.argv[1])
    missed = [example for example in EXAMPLES if not list(uses(example))]
    files = sorted(path for path in source.rglob("*") if path.suffix in (".c", ".h"))
    found, allowed = [], set()
    for path in files:
        for name, line, instead in uses(path.read_text()):
            key = (str(path.relative_to(source)), name)
            if key in ALLOWED:
                allowed.add(key)
            else:
                found.append(f"{path}:{line}: {name}: colliding input can be written down; use {instead}")

    print(f"{'not ok' if missed else 'ok'} 1 - each forbidden hash is found")
    for example in missed:
        print(f"# not found: {example}")
    print(f"{'ok' if files and not found else 'not ok'} 2 - {len(files)} sources use no hash but base/hash.h")
    for line in found:
        print(f"# {line}")
    stale = set(ALLOWED) - allowed
    print(f"{'not ok' if stale else 'ok'} 3 - each exception is still one")
    print("1..3")
    return 1 if missed or found or stale or not files else 0


if __name__ == "__main__":
    sys.exit(main())
