# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the scripts of the fuzz targets share. Sourced.

export LC_ALL=C
# Each allocation is seen by ASan, and a warning of GLib ends the process.
export G_SLICE=always-malloc G_DEBUG=fatal-warnings

# shellcheck disable=SC2034 # they are for those who source this
timeout_s=2 memory_mb=1024
fuzz_dir=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)

# max_len TARGET: bytes of the longest input that is tried: a recording holds its formats, 22 KiB.
max_len() {
    case $1 in
        perf_* | zstd) echo 65536 ;;
        tracepoint) echo 32768 ;;
        model) echo 2048 ;;
        *) echo 8192 ;;
    esac
}

# fill_seeds BUILD: BUILD/seeds/TARGET
fill_seeds() {
    local recordings
    recordings=$(mktemp -d)
    for name in primary profile; do
        zstd -qd "$fuzz_dir/../golden/$name.data.zst" -o "$recordings/$name.data"
    done
    rm -rf "$1/seeds"
    "$1/tests/fuzz/make_seeds" "$1/seeds" "$recordings"/*.data
    rm -r "$recordings"
}

# unpack_corpus BUILD TARGET: adds the committed corpus to BUILD/corpus/TARGET.
unpack_corpus() {
    mkdir -p "$1/corpus/$2"
    if [[ -e $fuzz_dir/corpus/$2.tar.zst ]]; then
        tar -C "$1/corpus/$2" --zstd -xf "$fuzz_dir/corpus/$2.tar.zst"
    fi
}
