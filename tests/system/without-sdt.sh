#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The patched QEMU where sys/sdt.h is missing: configure notices, the one object
# that uses the probes compiles, QEMU links, holds no probe and gets into COLO.
# All other objects are those of the build with probes, as none of them depends
# on the header. Prints TAP. Needs root, for a mount namespace of its own in
# which the header is hidden.
#
#   tests/system/without-sdt.sh ENTRY     of the cache, see scripts/build-qemu.sh
set -euo pipefail

HERE=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
OBJECT=libcommon.fa.p/migration_colo.c.o

if [[ ${1:-} != --inside ]]; then
    entry=$(cd -- "$1" && pwd -P)
    work=$(mktemp -d)
    trap 'rm -rf -- "$work"' EXIT
    cp -a -- "$entry/." "$work/entry"
    unshare --mount -- "$0" --inside "$entry" "$work"
    exit
fi
entry=$2
work=$3

# shellcheck source=tap.sh
. "$HERE/tap.sh"

# The copy takes the place of the entry: its build files hold absolute paths.
mount --bind "$work/entry" "$entry"
while read -r header; do
    dir=$(dirname "$header")
    copy=$work/include$dir
    mkdir -p "$(dirname "$copy")"
    cp -a -- "$dir" "$copy"
    rm -- "$copy/sdt.h"
    mount --bind "$copy" "$dir"
done < <(find /usr/include /usr/local/include -path '*/sys/sdt.h')

status=0
echo '#include <sys/sdt.h>' | gcc -E - >/dev/null 2>&1 && status=1
result $status "sys/sdt.h is hidden"

# The arguments of the build with probes, as its configure noted them.
mkdir "$entry/without"
cd "$entry/without"
sed -nE "s/^exec '[^']*' (.*) .[$]@.\$/\1/p" ../build/config.status >"$work/arguments"
status=0
bash -c "exec ../src/configure $(cat "$work/arguments")" >"$work/configure.log" 2>&1 || status=1
result $status "configure runs with the same options" "$work/configure.log"
status=0
grep -q '#define HAVE_SYS_SDT_H' config-host.h && status=1
result $status "it notices that the header is missing"

status=0
ninja "$OBJECT" >"$work/ninja.log" 2>&1 || status=1
grep -q warning: "$work/ninja.log" && status=1
result $status "colo.c compiles without a warning" "$work/ninja.log"

cp -- "$OBJECT" "../build/$OBJECT"
cd ../build
status=0
ninja -t commands qemu-system-x86_64 | tail -n 1 >"$work/link"
bash -e "$work/link" >"$work/link.log" 2>&1 || status=1
result $status "QEMU links" "$work/link.log"

status=0
readelf -n -W qemu-system-x86_64 >"$work/notes"
grep -q 'Name: colo_' "$work/notes" && status=1
result $status "it holds no probe"

# It is a QEMU like any other: a pair gets into COLO and makes checkpoints.
status=0
"$HERE/../../scripts/start-pair.sh" --qemu "$PWD/qemu-system-x86_64" --accel tcg --run-dir "$work/pair" \
    --duration 3 >"$work/pair.out" 2>"$work/pair.log" || status=1
checkpoints=$(grep -c '"side": "primary", "event": "RESUME"' "$work/pair/events.jsonl" || true)
((checkpoints >= 3)) || status=1
result $status "a pair of it makes checkpoints ($checkpoints)" "$work/pair.log"

tap_end
