#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Runs a command so that it meets the same on every machine, whoever starts it: no variables but
# those that tests are told by, an empty home directory (perf's ~/.debug and ~/.perfconfig are
# in there), the C locale, no input, the usual umask, limits and signals. What a test
# needs beyond that it makes itself.
#
#   tests/clean-env.sh COMMAND [ARG...]
set -euo pipefail

# What tests and the scripts that they call are told by, and the way to Debian's archive.
kept=(PATH COLO_PERF MAKE_RECORDINGS QEMU QEMU_SRC NO_INSTALL ASAN_OPTIONS UBSAN_OPTIONS LSAN_OPTIONS
    http_proxy https_proxy ftp_proxy no_proxy HTTP_PROXY HTTPS_PROXY FTP_PROXY NO_PROXY)
environment=(LC_ALL=C TERM=dumb)
for name in "${kept[@]}"; do
    [[ -z ${!name+set} ]] || environment+=("$name=${!name}")
done
# The cache is that of whoever runs the tests: it holds a QEMU that takes minutes to build.
environment+=("COLO_PERF_CACHE=${COLO_PERF_CACHE:-${XDG_CACHE_HOME:-${HOME:-}/.cache}/colo-perf}")
if [[ ${TMPDIR:-} == /* && -d $TMPDIR && -w $TMPDIR ]]; then
    environment+=("TMPDIR=$TMPDIR")
else
    unset TMPDIR
fi

umask 022
# As far as it may be changed: what stands in the way shows in the test that fails.
for limit in "-c 0" "-f unlimited" "-v unlimited" "-t unlimited"; do
    # shellcheck disable=SC2086 # two words
    ulimit -S $limit 2>/dev/null || true
done
[[ $(ulimit -S -n) == unlimited || $(ulimit -S -n) -ge 1024 ]] || ulimit -S -n 1024 2>/dev/null || true

home=$(mktemp -d)
trap 'rm -rf -- "$home"' EXIT
status=0
env --ignore-environment --default-signal "${environment[@]}" HOME="$home" "$@" </dev/null || status=$?
exit "$status"
