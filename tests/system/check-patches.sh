#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The patches as patches: they apply without fuzz, in order, those for TCG alone
# and the recorder after them too, have the form of git format-patch with one
# commit each, and QEMU's own checkpatch.pl finds no error in them. Prints TAP.
#
#   tests/system/check-patches.sh SRC     a QEMU source tree with the patches applied
set -euo pipefail

# shellcheck source=tap.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/tap.sh"
PATCHES=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../../qemu-patch" && pwd -P)
src=$(cd -- "$1" && pwd -P)
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT

# check NAME COMMAND...
check() {
    local name=$1 status=0
    shift
    "$@" >"$work/log" 2>&1 || status=1
    result $status "$name" "$work/log"
}

# The files that a patch touches, as they are before the patches; $1 is a new directory.
pristine() {
    local file
    while read -r file; do
        [[ ! -e $src/$file ]] || install -D -m 644 -- "$src/$file" "$1/$file"
    done < <(sed -n 's|^+++ b/||p' "$PATCHES"/*.patch | sort -u)
    for patch in tcg-dirty-log tcg-bql checkpoint-recorder sdt-probes; do
        # A tree with the probes alone lacks it.
        [[ $patch != checkpoint-recorder || -e $src/migration/colo-recorder.c ]] || continue
        patch -d "$1" -p1 --reverse --silent <"$PATCHES/$patch.patch"
    done
}

apply() {
    patch -d "$work/$1" -p1 --fuzz=0 --force --no-backup-if-mismatch <"$PATCHES/$2"
}

is_one_commit() {
    [[ $(grep -c '^From [0-9a-f]\{40\} ' "$1") == 1 ]] && grep -q '^Subject: \[PATCH\] ' "$1" &&
        grep -q '^Signed-off-by: ' "$1" && grep -q '^---$' "$1"
}

pristine "$work/all"
cp -a -- "$work/all" "$work/probes"
cp -a -- "$work/all" "$work/tcg"
check "sdt-probes.patch applies to QEMU 7.2" apply all sdt-probes.patch
apply probes sdt-probes.patch >/dev/null
check "checkpoint-recorder.patch applies on top of it" apply all checkpoint-recorder.patch
for patch in tcg-bql tcg-dirty-log; do
    check "$patch.patch applies on top of both" apply all "$patch.patch"
    check "$patch.patch applies on top of the probes" apply probes "$patch.patch"
    check "$patch.patch applies without them" apply tcg "$patch.patch"
done
check "checkpoint-recorder.patch applies after those for TCG" apply probes checkpoint-recorder.patch
check "the order makes no difference" diff -r "$work/all" "$work/probes"
cd -- "$src"
for patch in "$PATCHES"/*.patch; do
    check "${patch##*/} is one commit as git format-patch writes it" is_one_commit "$patch"
    check "${patch##*/} passes checkpatch.pl" perl scripts/checkpatch.pl "$patch"
done
tap_end
