#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Is what the byte builder of the tests makes what perf writes? perf itself reads
# the same recording in every form, and must print the same of each. Prints TAP.
#
#   tests/forms/check-perf.sh MAKE-FORMS
set -euo pipefail

# shellcheck source=../system/tap.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../system/tap.sh"

# Neither the settings nor the build-id cache of whoever runs this.
export LC_ALL=C PERF_CONFIG=/dev/null
make_forms=$1

if ! perf version >/dev/null 2>&1; then
    echo "ok 1 - perf reads every form # SKIP there is no perf"
    echo "1..1"
    exit 0
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HOME=$work
"$make_forms" "$work"

# samples ARGUMENT...: what perf script prints of the samples, those of one time in any order.
samples() {
    perf script -f "$@" -F comm,pid,tid,cpu,time,period,event,ip,trace 2>>"$log" | sort
}

# kernel_records FILE: how often perf finds each type of record that the kernel writes.
kernel_records() {
    perf report -f -D -i "$1" 2>>"$log" | grep -oE 'PERF_RECORD_[A-Z0-9_]+' |
        grep -vE '_(ATTR|FEATURE|TRACING_DATA|BUILD_ID|EVENT_UPDATE|ID_INDEX|TIME_CONV)$' |
        grep -vE '_(THREAD_MAP|CPU_MAP|COMPRESSED|FINISHED_INIT|FINISHED_ROUND)$' | sort | uniq -c
}

events() {
    perf evlist -f -i "$1" 2>>"$log" | sort
}

# same NAME EXPECTED COMMAND...: what the command prints is in the file EXPECTED, which is not empty.
same() {
    local name=$1 expected=$2 status=0

    shift 2
    "$@" >"$work/got" || status=1
    if [[ ! -s $expected ]] || ! diff -u "$expected" "$work/got" >>"$log"; then
        status=1
    fi
    result "$status" "$name" "$log"
}

begin_layout() {
    local plain=$work/$1/file

    log=$work/log
    : >"$log"
    samples -i "$plain" >"$work/samples"
    kernel_records "$plain" >"$work/records"
    events "$plain" >"$work/events"
}

check_samples() {
    local form

    begin_layout "$1"
    for form in "$work/$1"/*; do
        : >"$log"
        same "$1/${form##*/}: the samples" "$work/samples" samples -i "$form"
    done
}

# What does not depend on the layout of the samples. perf evlist does not name the events of a pipe.
check_rest() {
    local form name

    begin_layout "$1"
    for form in "$work/$1"/*; do
        name=$1/${form##*/}
        : >"$log"
        same "$name: the records of the kernel" "$work/records" kernel_records "$form"
        case $form in
        */pipe*)
            same "$name: the samples, through a pipe" "$work/samples" samples -i - < <(cat "$form")
            ;;
        *)
            same "$name: the events" "$work/events" events "$form"
            ;;
        esac
    done
}

for layout in identifier id no-sample-id mixed mixed-group; do
    check_samples "$layout"
done
check_rest mixed
tap_end
