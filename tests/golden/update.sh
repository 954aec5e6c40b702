#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Writes the golden outputs anew, when they are meant to change: read the diff
# before you commit it, and say in the commit why they changed.
#
#   tests/golden/update.sh COLO-PERF
set -euo pipefail

# shellcheck source=outputs.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/outputs.sh"
golden_enter "$1"
while read -r name recordings options; do
    # shellcheck disable=SC2086 # several options
    golden_run "$program" "$recordings" $options >"$GOLDEN/$name"
done < <(golden_outputs)
git -C "$GOLDEN" --no-pager diff --stat -- .
