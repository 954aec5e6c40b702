#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Compares colo-perf with the published results of the original recorder.

make_recordings made one recording for each result; colo-perf must give back
every field of it, to the nanosecond. This script runs colo-perf and compares;
it makes no recordings and reads none. It prints TAP.

usage: check.py [--colo-perf PROGRAM] [--results FILE.jsonl] DIRECTORY
"""

import argparse
import json
import pathlib
import subprocess
import sys

# Fields of the later revision that the QMP answer does not have: the phases they are.
PHASE_OF_FIELD = {
    "put_time": "vmstate",
    "recv_time": "received",
    "load_time": "loaded",
    "resume_time": "resume",
}
# All fields that are a time within the checkpoint, averages over the checkpoints.
PARTS = ["stat_time", "dev_time", "ram_time", "vmstate_time", *PHASE_OF_FIELD]


def run(program, *arguments):
    """Returns what the program prints; a failure of it ends the check of this file."""
    done = subprocess.run([program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          encoding="utf-8", check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{program} {' '.join(arguments)}: exit status {done.returncode}: "
                           f"{done.stderr.strip()}")
    return done.stdout


def recorder_answer(program, recording):
    """The QMP answer of the primary: report --info-checkpoint has one line a side."""
    answers = [json.loads(line) for line in
               run(program, "report", "--info-checkpoint", recording).splitlines()]
    primaries = [answer for answer in answers if answer.get("id") == "primary"]
    if len(primaries) != 1:
        raise RuntimeError(f"{len(primaries)} answers of a primary among {len(answers)} lines")
    return primaries[0]["return"]


def phase_means(program, recording):
    """Mean of each phase by name, rounded down. The layout of report --json is known here only."""
    report = json.loads(run(program, "report", "--json", recording))
    sessions = report["sessions"]
    if len(sessions) != 1:
        raise RuntimeError(f"{len(sessions)} sessions instead of 1")
    means = {}
    for phase in sessions[0]["phases"]:
        name, number, total_ns = phase["name"], phase["n"], phase["total_ns"]
        if not number:
            continue
        # mean_ns is a binary fraction: exact is what total and number give.
        if abs(phase["mean_ns"] - total_ns / number) > 0.001:
            raise RuntimeError(f"{name}: mean_ns {phase['mean_ns']} of {total_ns} ns in {number}")
        means[name] = total_ns // number
    return means


def overlap_ns(result):
    """By how much the phases exceed tot_time, as they do in two results: two of them overlap."""
    parts = sum(result.get(field, 0) for field in PARTS) * result["tot_num"]
    return max(0, parts - result["tot_time"])


def differences(expected, found, path=""):
    """Yields a line for each field of expected that found does not have like that."""
    for name, value in expected.items():
        if name not in found:
            yield f"{path}{name}: expected {value}, is missing"
        elif isinstance(value, dict):
            yield from differences(value, found[name], f"{path}{name}.")
        elif isinstance(value, float):
            # mbps travels as an integer number of bits a second.
            if not isinstance(found[name], (int, float)) or abs(found[name] - value) > 1e-7:
                yield f"{path}{name}: expected {value}, found {found[name]!r}"
        elif found[name] != value:
            yield f"{path}{name}: expected {value!r}, found {found[name]!r}"


def check(program, recording, result):
    """Returns the lines that tell what is wrong, and how many fields were compared."""
    answer_fields = {name: value for name, value in result.items() if name not in PHASE_OF_FIELD}
    phase_fields = {name: result[name] for name in PHASE_OF_FIELD if name in result}
    if phase_fields:
        answer_fields["vmstate_time"] = result["put_time"]
    wrong = list(differences(answer_fields, recorder_answer(program, recording)))
    if phase_fields:
        means = phase_means(program, recording)
        found = {field: means[phase] for field, phase in PHASE_OF_FIELD.items() if phase in means}
        wrong += differences(phase_fields, found)
    info = result["info"]
    count = len(answer_fields) - 1 + len(info) - 1 + len(info["ram"]) + len(phase_fields)
    return wrong, count


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--colo-perf", default="build/colo-perf")
    parser.add_argument("--results", type=pathlib.Path,
                        default=pathlib.Path(__file__).parent / "recorder-results.jsonl")
    parser.add_argument("directory", type=pathlib.Path)
    arguments = parser.parse_args()

    failed = 0
    lines = arguments.results.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, start=1):
        published = json.loads(line)
        result = published["return"]
        note = f", phases overlap by {overlap_ns(result)} ns" if overlap_ns(result) else ""
        what = (f"result {number} ({published['revision']} revision, {published['vcpus']} vCPUs, "
                f"{published['memory_gib']} GiB{note})")
        try:
            recording = str(arguments.directory / f"{number:02}.data")
            wrong, count = check(arguments.colo_perf, recording, result)
        except (RuntimeError, OSError, ValueError, KeyError, TypeError) as error:
            wrong, count = [f"{type(error).__name__}: {error}"], 0
        if wrong:
            failed += 1
            print(f"not ok {number} - {what}")
            for text in wrong:
                print(f"#    {text}")
        else:
            print(f"ok {number} - {what}: {count} fields")
    print(f"1..{len(lines)}")
    return 1 if failed or not lines else 0


if __name__ == "__main__":
    sys.exit(main())
