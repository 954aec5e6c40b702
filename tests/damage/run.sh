#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Damages real recordings: see damage.c, whose options these are. Prints TAP.
#
#   tests/damage/run.sh BUILD [OPTION...]
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
build=$1/tests/damage
shift

export LC_ALL=C
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
zstd -qd "$here/../golden/primary.data.zst" -o "$work/primary.data"
"$build/make_forms" "$work/primary.data" "$work"
"$build/damage" "$@" "$work"/*.data
