# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the golden tests compare: the recordings, and for each the commands whose
# outputs are kept beside it. Sourced by check.sh, which compares, and
# update.sh, which writes them anew.

GOLDEN=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)

# A line for each output: its name, the recordings (NAME.data.zst), the command and its options.
golden_outputs() {
    cat <<'END'
pair.txt pair report
pair.json pair report --json
pair.csv pair report --csv
pair.info pair report --info-checkpoint
pair-part.txt pair report --checkpoints=10-20 --role=secondary
pair-late.csv pair report --csv --since=5 --until=7.5 --skip=1
sides.txt primary,secondary report
sides.json primary,secondary report --json
sampled.txt sampled report
sampled.json sampled report --json
killed.txt killed report
killed.csv killed report --csv
profile.txt profile report
profile.json profile report --json --checkpoints=3-4
profile-dev.txt profile report --phase=dev --phase=other --top=3 --role=secondary
profile-ram.folded profile flamegraph --folded
profile-all.folded profile flamegraph --folded --phase=all --threads --role=secondary --checkpoints=5-7
profile-diff.folded profile flamegraph --folded --diff=pair.data
profile-flush.svg profile flamegraph --phase=flush
profile-diff.svg profile flamegraph --phase=flush --diff=pair.data
END
}

# golden_run PROGRAM RECORDINGS COMMAND OPTION...: in a directory with the recordings, so that no path gets into the
# output, and with the symbols that were recorded, wherever this is run.
golden_run() {
    local program=$1 recordings command=$3
    IFS=, read -ra recordings <<<"$2"
    shift 3
    HOME=/nonexistent "$program" "$command" --symfs=symfs --kallsyms=symfs/kallsyms "$@" "${recordings[@]/%/.data}"
}

# golden_enter PROGRAM: into a temporary directory that holds the unpacked recordings; sets program to its absolute path.
golden_enter() {
    local packed
    program=$(realpath -- "$1")
    work=$(mktemp -d)
    trap 'rm -rf -- "$work"' EXIT
    for packed in "$GOLDEN"/*.data.zst; do
        zstd -q -d "$packed" -o "$work/$(basename "${packed%.zst}")"
    done
    mkdir -- "$work/symfs"
    tar -xf "$GOLDEN/symfs.tar.zst" -C "$work/symfs"
    cd -- "$work" || exit 1
}
