#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Runs one test program that prints TAP and adds its results to a tally file:
# a line "NAME PASSED FAILED SKIPPED". It shows what failed or was skipped, with
# its reason, and keeps the rest quiet. It judges the program, not the tests: a
# crash, or fewer tests than planned, is a failure too.
#
#   tests/run-tap.sh TALLY NAME COMMAND [ARG...]
set -euo pipefail

tally=$1
name=$2
shift 2
here=$(dirname -- "${BASH_SOURCE[0]}")
[[ -d ${TMPDIR:-/tmp} && -w ${TMPDIR:-/tmp} ]] || unset TMPDIR
log=$(mktemp)
trap 'rm -f "$log"' EXIT

status=0
"$here/clean-env.sh" "$@" >"$log" 2>&1 || status=$?

count() {
    grep -cE "$1" "$log" || true
}
skipped=$(count '^ok .*# SKIP')
passed=$(($(count '^ok ') - skipped))
failed=$(count '^not ok ')
planned=$(sed -nE 's/^1\.\.([0-9]+)$/\1/p' "$log" | awk '{ n += $1 } END { print n + 0 }')

grep -E '^(not ok |ok .*# SKIP)' "$log" || true
if [ "$((passed + failed + skipped))" -ne "$planned" ] || [ "$planned" -eq 0 ]; then
    echo "not ok - $name: $planned tests were planned, $((passed + failed + skipped)) were run"
    failed=$((failed + 1))
elif [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then
    echo "not ok - $name: ended with status $status"
    failed=$((failed + 1))
fi
if [ "$failed" -ne 0 ]; then
    sed 's/^/    /' "$log"
fi
printf '%-32s %4d passed, %d failed, %d skipped\n' "$name" "$passed" "$failed" "$skipped"
echo "$name $passed $failed $skipped" >>"$tally"
