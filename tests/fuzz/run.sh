#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Runs each fuzz target for a while, with what was found before as its start, and ends with a line
# for each. Called by `make fuzz`.
#
#   FUZZ_TIME=SECONDS FUZZ_JOBS=N tests/fuzz/run.sh BUILD TARGET...
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=lib.sh
. "$here/lib.sh"

build=$1
shift
seconds=${FUZZ_TIME:-60}
jobs=${FUZZ_JOBS:-1}

fill_seeds "$build"
failed=0
for target in "$@"; do
    unpack_corpus "$build" "$target"
    log=$build/$target.log
    # Where there is no such directory libFuzzer does not start.
    mkdir -p "$build/$target" "$build/seeds/$target"
    dirs=("$build/corpus/$target" "$build/seeds/$target")
    if [[ -d $here/found/$target ]]; then
        dirs+=("$here/found/$target")
    fi
    # A finding is kept, and the others are looked for.
    "$build/tests/fuzz/fuzz_$target" -fork="$jobs" -ignore_crashes=1 -ignore_timeouts=1 -ignore_ooms=1 \
        -max_total_time="$seconds" -timeout="$timeout_s" -rss_limit_mb="$memory_mb" -malloc_limit_mb="$memory_mb" \
        -max_len="$(max_len "$target")" -dict="$here/perf.dict" -artifact_prefix="$build/$target/" \
        "${dirs[@]}" >"$log" 2>&1 || true
    # "#1234: cov: 567 ft: 890 corp: 12 exec/s: 345 oom/timeout/crash: 0/0/0 time: 60s ..."
    line=$(grep -E '^#[0-9]+: cov:' "$log" | tail -n 1 || true)
    if [[ -z $line ]]; then
        echo "$target: did not run; see $log"
        failed=1
        continue
    fi
    read -r _ _ cov _ ft _ corpus _ _ _ found _ <<<"$line"
    runs=${line%%:*}
    IFS=/ read -r ooms timeouts crashes <<<"$found"
    printf '%-12s %9s executions, cov %s, ft %s, corpus %s; %s crashes, %s timeouts, %s out of memory\n' \
        "$target" "${runs#\#}" "$cov" "$ft" "$corpus" "$crashes" "$timeouts" "$ooms"
    if ((ooms + timeouts + crashes)); then
        ls -- "$build/$target/"
        failed=1
    fi
done
exit "$failed"
