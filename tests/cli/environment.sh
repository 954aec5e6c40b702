#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What clean-env.sh gives a test, whatever it was started with; and that the scripts count with
# a point in a locale that has a comma. Prints TAP.
#
#   COLO_PERF=build/colo-perf tests/cli/environment.sh
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd -P)
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

# A locale of our own, in which numbers have a comma.
locale=()
if localedef -i de_DE -f UTF-8 "$work/de_DE.UTF-8" >/dev/null 2>&1; then
    locale=("LOCPATH=$work" LC_ALL=de_DE.UTF-8)
fi

# odd [COMMAND...]: the script $inside in clean-env.sh, started in an environment that is as odd as can be.
odd() (
    umask 077
    ulimit -S -n 200 -c unlimited
    trap '' INT HUP PIPE TERM
    status=0
    env -i PATH="$PATH" PERF=/bin/false DEBUGINFOD_URLS=http://192.0.2.1 NO_COLOR=1 COLUMNS=20 LINES=3 TERM=vt52 "${locale[@]}" \
        HOME=/nonexistent XDG_CACHE_HOME=/nonexistent/cache TMPDIR=/nonexistent/tmp LD_PRELOAD='' MAKEFLAGS=-j5 \
        QEMU=/some/qemu COLO_PERF=/some/colo-perf https_proxy=http://proxy "$@" \
        "$root/tests/clean-env.sh" bash -c "$inside" >"$out" 2>"$err" || status=$?
    echo "$status" >"$work/status"
)

# prints SCRIPT TEXT [COMMAND...]: in clean-env.sh the script prints this.
prints() {
    inside=$1
    odd "${@:3}"
    status=$(<"$work/status")
    done_well && [ "$(cat "$out")" = "$2" ]
}
# PWD and SHLVL are the shell's own.
check "no variables but those that tests are told by" prints 'compgen -e | sort | paste -sd " "' \
    "COLO_PERF COLO_PERF_CACHE HOME LC_ALL PATH PWD QEMU SHLVL TERM https_proxy"
# shellcheck disable=SC2016 # expanded inside
check "the caller's cache" prints 'echo "$COLO_PERF_CACHE $QEMU"' "/nonexistent/cache/colo-perf /some/qemu"
# shellcheck disable=SC2016 # expanded inside
check "a home that is there and empty" prints 'ls -A "$HOME"; [ -w "$HOME" ]; echo $?' 0
check "umask, open files, core files" prints 'umask; ulimit -n; ulimit -c' $'0022\n1024\n0'
# 32 and 33 are libc's own: nobody can set them back.
# shellcheck disable=SC2016 # expanded inside
check "signals end it" prints 'for kind in Blk Ign; do
    signals=$(awk -v "name=Sig$kind:" "\$1 == name { print \$2 }" /proc/self/status)
    echo $((16#$signals & ~(3 << 31)))
done' $'0\n0'
check "nothing to read" prints 'wc -c' 0
# shellcheck disable=SC2016 # expanded inside
check "a TMPDIR that is there" prints 'echo "$TMPDIR"' "$work" env "TMPDIR=$work"
inside='exit 42'
odd
check "its exit status" [ "$(<"$work/status")" -eq 42 ]
# shellcheck disable=SC2016 # expanded inside
inside='echo "$HOME"'
odd
home_is_gone() {
    [ -s "$out" ] && [ ! -e "$(<"$out")" ]
}
check "the home is gone afterwards" home_is_gone

# --- The scripts ---

printed_plainly() {
    done_well && [ "$(<"$out")" = "0.5 0.5" ]
}

name="scripts: 0.5 is a number where others write 0,5"
if ((${#locale[@]})); then
    status=0
    # shellcheck disable=SC2016 # expanded inside
    env "${locale[@]}" bash -c '. "$1/scripts/lib.sh"; printf "%.1f " 0.5; awk "BEGIN { print 1 / 2 }"' - "$root" \
        >"$out" 2>"$err" || status=$?
    check "$name" printed_plainly
else
    skip "$name" "localedef cannot make a German locale: install the package locales"
fi

finish
