#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Makes the corpus that is committed out of what was collected: as few inputs as reach what all of
# them reach, the small ones first. Called by `make fuzz-merge`.
#
#   tests/fuzz/merge.sh BUILD TARGET...
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=lib.sh
. "$here/lib.sh"

max_files=150
max_bytes=$((4 << 20)) # not packed

build=$1
shift
fill_seeds "$build"
mkdir -p "$here/corpus"
for target in "$@"; do
    unpack_corpus "$build" "$target"
    merged=$build/merged/$target
    rm -rf "$merged"
    mkdir -p "$merged"
    # By coverage alone: the features of libFuzzer (how often, in what order) would keep thousands.
    "$build/tests/fuzz/fuzz_$target" -merge=1 -use_counters=0 -timeout="$timeout_s" \
        -rss_limit_mb="$memory_mb" -max_len="$(max_len "$target")" \
        "$merged" "$build/seeds/$target" "$build/corpus/$target" >"$build/$target.merge.log" 2>&1
    # The smallest, as many as fit.
    find "$merged" -type f -printf '%s %f\n' | sort -n | awk -v files="$max_files" -v bytes="$max_bytes" '
        { sum += $1 } NR <= files && sum <= bytes { print $2 }' >"$build/$target.list"
    # The same files give the same bytes.
    tar -C "$merged" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --format=ustar -c \
        -T "$build/$target.list" | zstd -q -19 -f -o "$here/corpus/$target.tar.zst"
    printf '%-12s %4d of %4d inputs, %d bytes\n' "$target" "$(wc -l <"$build/$target.list")" \
        "$(find "$merged" -type f | wc -l)" "$(stat -c %s "$here/corpus/$target.tar.zst")"
done
