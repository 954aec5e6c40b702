#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Runs one target on its committed corpus and on what fuzzing once found. Prints TAP.
#
#   tests/fuzz/replay.sh BUILD TARGET
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=lib.sh
. "$here/lib.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unpack_corpus "$work" "$2"
"$1/tests/fuzz/replay_$2" "$here/found/$2" "$work/corpus/$2"
