#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Damages real recordings: see damage.c, whose options these are. Prints TAP.
#
#   tests/damage/run.sh BUILD/tests/damage/damage [OPTION...]
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
damage=$1
shift

export LC_ALL=C
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
zstd -qd "$here/../golden/primary.data.zst" -o "$work/primary.data"
"$damage" "$@" "$work/primary.data"
