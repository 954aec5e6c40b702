# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the tests of the command line share: a directory to work in, a way to run
# colo-perf and to say what it should have done. Sourced; what is tested is in
# the scripts. COLO_PERF is the program.

export LC_ALL=C

colo_perf=$(realpath -s "${COLO_PERF:-build/colo-perf}")

need_program() {
    if [ ! -x "$1" ]; then
        echo "Bail out! $1 is not there; build it with make check"
        exit 1
    fi
}
need_program "$colo_perf"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
out=$work/stdout
err=$work/stderr
mkdir "$work/in"
cd "$work/in" || exit 1

n=0
n_failed=0

# result NAME 0|1: 0 is good, as an exit status is. What the program said goes along.
result() {
    n=$((n + 1))
    if [ "$2" -eq 0 ]; then
        echo "ok $n - $1"
        return
    fi
    n_failed=$((n_failed + 1))
    echo "not ok $n - $1"
    {
        echo "exit status: ${status-}"
        head -n 20 "$out" | sed 's/^/stdout: /'
        head -n 20 "$err" | sed 's/^/stderr: /'
    } | cat -v | sed 's/^/# /'
}

skip() {
    n=$((n + 1))
    echo "ok $n - $1 # SKIP $2"
}

# check NAME COMMAND [ARG...]: good when the command is.
check() {
    local name=$1 bad=0

    shift
    "$@" || bad=1
    result "$name" "$bad"
}

# run [ARG...]: colo-perf with its output in $out, $err and $status.
run() {
    status=0
    "$colo_perf" "$@" >"$out" 2>"$err" </dev/null || status=$?
}

# said STATUS STDERR: stdout is empty and stderr is this one line, or empty for "".
said() {
    [ "$status" -eq "$1" ] && [ ! -s "$out" ] && cmp -s "$err" <(printf '%s' "${2:+$2$'\n'}")
}

# refuses NAME STATUS STDERR [ARG...]
refuses() {
    local name=$1 expected=$2 line=$3

    shift 3
    run "$@"
    check "$name" said "$expected" "$line"
}

# Done, with something on stdout and nothing on stderr.
done_well() {
    [ "$status" -eq 0 ] && [ -s "$out" ] && [ ! -s "$err" ]
}

# runs NAME [ARG...]
runs() {
    local name=$1

    shift
    run "$@"
    check "$name" done_well
}

# How to mount something that nobody else sees: as root, or in a user namespace where that is allowed.
private_mounts=(unshare --mount)
[ "$(id -u)" -eq 0 ] || private_mounts+=(--map-root-user)

# refuses_on MACHINE NAME STATUS STDERR [ARG...]: as refuses, on a machine whose tracefs is the directory MACHINE.
refuses_on() {
    local machine=$1 name=$2 expected=$3 line=$4

    shift 4
    if ! "${private_mounts[@]}" mount --bind "$machine" /sys/kernel/tracing 2>/dev/null; then
        skip "$name" "here nothing can be mounted on /sys/kernel/tracing, not even by unshare"
        return
    fi
    status=0
    # debugfs has a tracefs too.
    # shellcheck disable=SC2016 # expanded by the inner shell
    "${private_mounts[@]}" sh -c '
        mount --bind "$1" /sys/kernel/tracing
        [ ! -d /sys/kernel/debug ] || mount -t tmpfs none /sys/kernel/debug
        shift
        exec "$@"' - "$machine" "$colo_perf" "$@" >"$out" 2>"$err" </dev/null || status=$?
    check "$name" said "$expected" "$line"
}

# TAP's last line, and the exit status.
finish() {
    echo "1..$n"
    [ "$n_failed" -eq 0 ]
}
