#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Compares what colo-perf reports of real recordings with what it is known to
# report. The outputs change only by update.sh. Prints TAP.
#
#   tests/golden/check.sh COLO-PERF
set -euo pipefail

# shellcheck source=outputs.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/outputs.sh"
golden_enter "$1"

n=0 failed=0
while read -r name recordings options; do
    n=$((n + 1))
    # shellcheck disable=SC2086 # several options
    golden_run "$program" "$recordings" $options >output.now 2>errors.now || echo "exit status $?" >>output.now
    if diff -u "$GOLDEN/$name" output.now >difference; then
        echo "ok $n - $name"
    else
        echo "not ok $n - $name"
        sed 's/^/# /' difference errors.now
        failed=1
    fi
done < <(golden_outputs)
echo "1..$n"
exit $failed
