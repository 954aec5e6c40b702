# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the golden tests compare: the recordings, and for each the commands whose
# outputs are kept beside it. Sourced by check.sh, which compares, and
# update.sh, which writes them anew.

GOLDEN=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)

# A line for each output: its name, the recordings (NAME.data.zst), the options.
golden_outputs() {
    cat <<'END'
pair.txt pair -
pair.json pair --json
pair.csv pair --csv
pair.info pair --info-checkpoint
pair-part.txt pair --checkpoints=10-20 --role=secondary
pair-late.csv pair --csv --since=5 --until=7.5 --skip=1
sides.txt primary,secondary -
sides.json primary,secondary --json
sampled.txt sampled -
sampled.json sampled --json
killed.txt killed -
killed.csv killed --csv
END
}

# golden_run PROGRAM RECORDINGS OPTION...: in a directory with the recordings, so that no path gets into the output.
golden_run() {
    local program=$1 recordings
    IFS=, read -ra recordings <<<"$2"
    shift 2
    [[ $1 != - ]] || shift
    "$program" report "$@" "${recordings[@]/%/.data}"
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
    cd -- "$work" || exit 1
}
