#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Every test there is, on a machine that has nothing but Debian's base: installs what is missing, runs the tests, ends
# with a line that counts them. What a test does is decided in tests/.

set -euo pipefail

HERE=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
ROOT=$(dirname -- "$HERE")
# shellcheck source=lib.sh
. "$HERE/lib.sh"

# The user that some tests run as has to reach what is built.
umask 022

usage() {
    cat <<END
usage: [QEMU=BINARY] test.sh [--no-install] [--no-system]

Builds with -Werror and runs the unit, golden and command-line tests, the same
under ASan and UBSan, the linters, and as root the system tests: QEMU is built
with the probes, a pair runs COLO, is recorded and reported.

  --no-install   stop when a package is missing instead of installing it
  --no-system    skip the system tests, which count as skipped
  QEMU=BINARY    a QEMU out of the cache of build-qemu.sh, instead of building
                 one; COLO_PERF_CACHE is as for run.sh

The last line is "N passed, N failed", and ", N skipped" if any were. Exit
status: 0 if none failed, 1 if one did, 2 for wrong usage.
END
}

SYSTEM=1
NO_INSTALL=${NO_INSTALL:-}
while (($#)); do
    case $1 in
        --no-install) NO_INSTALL=1 ;;
        --no-system) SYSTEM= ;;
        -h | --help) usage; exit 0 ;;
        *) usage_error "unknown argument '$1'" ;;
    esac
    shift
done
export NO_INSTALL

WORK=
cleanup() {
    [[ -z $WORK ]] || rm -rf -- "$WORK"
}
on_exit cleanup
WORK=$(mktemp -d)
TALLY=$WORK/tally
: >"$TALLY"
cd -- "$ROOT"

# tap NAME COMMAND...: one program that prints TAP.
tap() {
    tests/run-tap.sh "$TALLY" "$@"
}

# one NAME COMMAND...: a command that is one test, in the same environment.
one() {
    local name=$1 log=$WORK/log
    shift
    if tests/clean-env.sh "$@" >"$log" 2>&1; then
        echo "$name 1 0 0" >>"$TALLY"
        printf '%-32s passed\n' "$name"
    else
        echo "$name 0 1 0" >>"$TALLY"
        echo "not ok - $name: $*"
        sed 's/^/    /' "$log"
    fi
}

# skip NAME REASON
skip() {
    echo "$1 0 0 1" >>"$TALLY"
    printf '%-32s skipped: %s\n' "$1" "$2"
}

# checks LABEL MAKE-ARGUMENT...: `make check`, whose programs are counted one by one.
checks() {
    local label=$1 tally=$WORK/check
    shift
    : >"$tally"
    echo "--- make check, $label"
    # Whether it passed is in the tally; without one it did not get that far.
    make -j "$(nproc)" "$@" all check TALLY="$tally" >"$WORK/make.log" 2>&1 || true
    grep -vE '^(  (CC|LD|LN) |make)' "$WORK/make.log" || true
    if [[ -s $tally ]]; then
        cat "$tally" >>"$TALLY"
    else
        echo "check 0 1 0" >>"$TALLY"
        echo "not ok - make check, $label: it does not build"
        sed 's/^/    /' "$WORK/make.log"
    fi
}

need_packages "the tests" "${BUILD_PACKAGES[@]}" linux-perf python3 zstd shellcheck clang-format util-linux git perl \
    binutils xz-utils patch groff-base iproute2 systemtap-sdt-dev chromium chromium-driver python3-selenium tmux valgrind \
    locales libcap2-bin

SCRIPTS=(scripts/*.sh tests/*.sh tests/*/*.sh .ci/run)
echo "--- linters"
for SCRIPT in "${SCRIPTS[@]}"; do
    one "shellcheck ${SCRIPT##*/}" shellcheck -x -P SCRIPTDIR "$SCRIPT"
done
one "clang-format" bash -c "find src tests guest bench -name '*.[ch]' -print0 | xargs -0 clang-format --dry-run -Werror"
for PAGE in man/*.1; do
    # shellcheck disable=SC2016 # expanded by the inner shell
    one "groff ${PAGE##*/}" bash -c '[[ -z $(groff -man -Tutf8 -ww -z "$1" 2>&1 | tee /dev/stderr) ]]' - "$PAGE"
done

# What `make` links live -p with.
one "build-libperf.sh" "$HERE/build-libperf.sh"

checks "warnings are errors" WERROR=1
checks "ASan and UBSan" SANITIZE=1

tap flame-svg tests/cli/flame_svg_browser.py --make build/sanitize/tests/cli/make_flame_svg

# --- The system: QEMU, perf, a pair ---

system_tests() {
    local qemu entry recorder started
    if [[ -z $SYSTEM ]]; then
        skip system "--no-system"
        return
    fi
    if ((EUID != 0)); then
        skip system "they need root"
        return
    fi
    echo "--- system"
    if [[ -n ${QEMU:-} ]]; then
        qemu=$QEMU
    elif ! run_script "$WORK/qemu" "$HERE/build-qemu.sh"; then
        echo "build-qemu 0 1 0" >>"$TALLY"
        echo "not ok - build-qemu: see above"
        return
    else
        qemu=$(tail -n 1 "$WORK/qemu")
    fi
    entry=$(dirname -- "$(dirname -- "$qemu")")
    tap probes tests/system/check-probes.py "$qemu"
    tap patches tests/system/check-patches.sh "$entry/src"
    tap without-sdt tests/system/without-sdt.sh "$entry"

    started=$SECONDS
    one run.sh env QEMU="$qemu" "$HERE/run.sh" --output "$WORK/run"
    echo "    run.sh took $((SECONDS - started)) s"
    tap pair tests/system/check-pair.py --colo-perf build/colo-perf "$WORK/run"
    tap profile tests/system/check-profile.py --colo-perf build/colo-perf "$WORK/run"
    tap browser tests/cli/flame_svg_browser.py "$WORK"/run/*.svg
    tap workload tests/system/check-profiles-of-workload.py --colo-perf build/colo-perf
    tap forms tests/system/check-forms.py --colo-perf build/colo-perf
    tap readme tests/system/check-readme.py --colo-perf build/colo-perf
    tap record tests/system/check-record.py --colo-perf build/colo-perf
    tap outputs tests/system/check-outputs.py --colo-perf build/colo-perf
    tap ends tests/system/check-ends.py --colo-perf build/colo-perf
    tap security tests/system/check-security.py --colo-perf build/colo-perf
    tap record-keeps tests/system/check-record-keeps.py --colo-perf build/colo-perf
    tap full-setup tests/system/check-full-setup.py --colo-perf build/colo-perf "$qemu"
    tap full-failover tests/system/check-full-failover.py "$qemu"
    tap records tests/system/check-records.sh "$qemu" build/colo-perf
    tap live tests/system/check-live.py --colo-perf build/colo-perf --qemu "$qemu"
    tap failover tests/system/check-failover.py --colo-perf build/colo-perf "$qemu"
    tap compile tests/system/check-compile.sh "$qemu" build/colo-perf

    if run_script "$WORK/recorder" "$HERE/build-qemu.sh" --variant recorder; then
        recorder=$(tail -n 1 "$WORK/recorder")
        tap recorder tests/system/check-recorder.sh "$(dirname -- "$(dirname -- "$recorder")")"
        tap accuracy tests/system/check-accuracy.py --colo-perf build/colo-perf "$recorder"
    else
        echo "build-qemu-recorder 0 1 0" >>"$TALLY"
        echo "not ok - build-qemu --variant recorder: see above"
    fi
}

system_tests

echo "--- $SECONDS s in all"
awk '{ p += $(NF - 2); f += $(NF - 1); s += $NF }
     END { printf "%d passed, %d failed", p, f; if (s) printf ", %d skipped", s; print ""; exit f > 0 }' "$TALLY"
