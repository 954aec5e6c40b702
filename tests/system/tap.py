# SPDX-License-Identifier: GPL-2.0-or-later
"""TAP for the system tests in Python, as tap.sh is for those in shell."""

results = []


def check(name, ok, detail=""):
    """Notes one test; detail says what was found."""
    results.append(bool(ok))
    detail = str(detail).replace("\n", " | ")
    print(f"{'ok' if ok else 'not ok'} {len(results)} - {name}{': ' if detail else ''}{detail}",
          flush=True)


def skip(name, reason):
    """Notes one test that cannot be run here."""
    results.append(True)
    print(f"ok {len(results)} - {name} # SKIP {reason}", flush=True)


def finish():
    """The plan, and the exit status."""
    print(f"1..{len(results)}")
    return 0 if all(results) else 1
