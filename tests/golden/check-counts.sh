#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# perf script finds as many samples in each of the real recordings as colo-perf.
# Prints TAP.
#
#   tests/golden/check-counts.sh COLO-PERF
set -euo pipefail

# shellcheck source=outputs.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/outputs.sh"
export LC_ALL=C PERF_CONFIG=/dev/null

if ! perf version >/dev/null 2>&1; then
    echo "ok 1 - as many samples as perf script # SKIP there is no perf"
    echo "1..1"
    exit 0
fi
golden_enter "$1"

# perf_count FILE: it prints a line for each sample.
perf_count() {
    perf script -f --ns -F tid,time,event -i "$1" 2>/dev/null | grep -cE '^ *-?[0-9]+ +[0-9]+\.[0-9]{9}: '
}

own_count() {
    golden_run "$program" "${1%.data}" report --json 2>/dev/null |
        python3 -c 'import json, sys; print(json.load(sys.stdin)["recordings"][0]["samples"])'
}

n=0 failed=0
for recording in *.data; do
    n=$((n + 1))
    theirs=$(perf_count "$recording") ours=$(own_count "$recording")
    if [[ $theirs == "$ours" ]] && ((ours > 100)); then
        echo "ok $n - $recording: $ours samples, as perf script finds"
    else
        echo "not ok $n - $recording: $ours samples, perf script finds $theirs"
        failed=1
    fi
done
echo "1..$n"
exit $failed
