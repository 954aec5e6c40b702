#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The recorder inside QEMU: builds and runs the qtest that checkpoint-recorder.patch
# brings, on the QEMU of that variant. Prints TAP, each of the qtest's cases by name.
#
#   tests/system/check-recorder.sh ENTRY     of the cache: build-qemu.sh --variant recorder
set -euo pipefail

# shellcheck source=tap.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/tap.sh"
build=$(cd -- "$1/build" && pwd -P)
test=tests/qtest/colo-recorder-test
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT

status=0
ninja -C "$build" -j "$(nproc)" "$test" >"$work/ninja.log" 2>&1 || status=1
result $status "the qtest builds" "$work/ninja.log"
status=0
grep -q warning: "$work/ninja.log" && status=1
result $status "without a warning" "$work/ninja.log"

# An assertion that fails ends the program: what comes after it is neither ok nor not ok.
status=0
QTEST_QEMU_BINARY=$build/qemu-system-x86_64 timeout 300 "$build/$test" --tap -k >"$work/log" 2>&1 || status=$?
planned=$(sed -nE 's/^1\.\.([0-9]+)$/\1/p' "$work/log")
while read -r name; do
    result 0 "$name"
done < <(sed -nE 's/^ok [0-9]+ (- )?([^#]*)$/\2/p' "$work/log")
passed=$((tap_n - 2))
((status == 0 && passed == ${planned:-0} && passed > 0)) || status=1
result $status "all of the qtest's cases pass ($passed of ${planned:-none})" "$work/log"
tap_end
