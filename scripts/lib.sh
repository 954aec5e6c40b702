# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What all scripts share: messages, timed steps, child processes and their end, packages, the cache, a private apt.
# Sourced, never run. It knows nothing of QEMU, COLO or perf.

PROGRAM=${0##*/}

# In others 0.5 is no number for printf, and awk prints 0,5.
export LC_ALL=C

# --- Messages: everything for people goes to stderr, stdout is for results ---

# A descriptor of its own: stderr can then be sent elsewhere while bash would report on a child that was killed.
exec {MESSAGES}>&2

STEP_LABEL=   # The step under way, empty if none
STEP_START=0  # SECONDS when it began
STEP_SHOWN=0  # Seconds that were last shown
STEP_QUIET=   # Set: steps are not shown, as another script shows its own

# Ends the unfinished line of a step, so that a message has a line of its own.
step_break() {
    if [[ -n $STEP_LABEL ]]; then
        echo >&"$MESSAGES"
        STEP_LABEL=
    fi
}

say() {
    step_break
    printf '%s\n' "$*" >&"$MESSAGES"
}

warn() {
    say "$PROGRAM: warning: $*"
}

# die MESSAGE: what happened, where, and what to do about it, in one line.
die() {
    say "$PROGRAM: $*"
    exit 1
}

usage_error() {
    say "$PROGRAM: $* (see $PROGRAM --help)"
    exit 2
}

step_begin() {
    [[ -z $STEP_QUIET ]] || return 0
    step_break
    STEP_LABEL=$1
    STEP_START=$SECONDS
    STEP_SHOWN=0
    printf '== %s ...' "$STEP_LABEL" >&"$MESSAGES"
}

# step_tick [DETAIL]: shows that a step is alive. A terminal gets a line that changes, a log a number now and then.
step_tick() {
    local elapsed=$((SECONDS - STEP_START)) line
    [[ -n $STEP_LABEL ]] || return 0
    if [[ -t $MESSAGES ]]; then
        # A line that wraps could not be written over.
        printf -v line '== %s ... %s s %.40s' "$STEP_LABEL" "$elapsed" "${1:-}"
        printf '\r%.*s\033[K' "$(($(tput cols 2>/dev/null || echo 80) - 1))" "$line" >&"$MESSAGES"
    elif ((elapsed >= STEP_SHOWN + 30)); then
        STEP_SHOWN=$elapsed
        printf ' %s s ...' "$elapsed" >&"$MESSAGES"
    fi
}

step_end() {
    local result=${1:-done}
    [[ -n $STEP_LABEL ]] || return 0
    [[ ! -t $MESSAGES ]] || printf '\r\033[K== %s ...' "$STEP_LABEL" >&"$MESSAGES"
    printf ' %s in %s s\n' "$result" "$((SECONDS - STEP_START))" >&"$MESSAGES"
    STEP_LABEL=
}

# show_tail FILE [LINES]: the end of a log, indented.
show_tail() {
    step_break
    [[ -s $1 ]] || return 0
    printf '   last lines of %s:\n' "$1" >&"$MESSAGES"
    tail -n "${2:-12}" "$1" | cut -c1-300 | sed 's/^/   | /' >&"$MESSAGES"
}

# nap SECONDS: a sleep that a signal ends at once, and that is no process which a signal could hit in our place.
exec {NAP_FD}<> <(:)
nap() {
    read -r -t "$1" -u "$NAP_FD" || true
}

# Milliseconds of the wall clock, in NOW_MS: SECONDS is too coarse to measure a duration.
now_ms() {
    # shellcheck disable=SC2034 # for those who source this
    NOW_MS=$((${EPOCHREALTIME/[.,]/} / 1000))
}

# --- Children and the end of a script ---
#
# Every long-lived child gets a process group of its own: Ctrl-C in a terminal then reaches the outermost script only,
# which takes down what it started in an order of its choice. Should a script be killed by SIGKILL, the kernel sends
# SIGTERM to its children (pdeathsig).

CHILDREN=()
declare -A IS_SCRIPT=()  # Pids of those that are scripts of ours
CHILD=  # The pid of the one that start_child started last

# start_child LOG COMMAND...: appends what it says to LOG.
start_child() {
    local log=$1
    shift
    set -m
    setpriv --pdeathsig TERM -- "$@" </dev/null >>"$log" 2>&1 &
    CHILD=$!
    set +m
    CHILDREN+=("$CHILD")
}

# start_script OUT COMMAND...: one of our own scripts; what it prints as its result goes to OUT, and what it says to
# people, to people.
start_script() {
    local out=$1
    shift
    set -m
    COLO_PERF_NESTED=1 setpriv --pdeathsig TERM -- "$@" </dev/null >"$out" &
    CHILD=$!
    set +m
    CHILDREN+=("$CHILD")
    IS_SCRIPT[$CHILD]=1
}

# alive PID: it runs, and is not a zombie that waits to be collected.
alive() {
    local stat
    { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
    [[ ${stat##*) } != [ZX]* ]]
}

# reap PID: the exit status of a child that has ended or is about to.
reap() {
    local status=0 child rest=()
    wait "$1" 2>/dev/null || status=$?
    for child in "${CHILDREN[@]}"; do
        [[ $child == "$1" ]] || rest+=("$child")
    done
    CHILDREN=("${rest[@]}")
    return "$status"
}

# stop_child PID [SECONDS]: SIGTERM, and after so many seconds SIGKILL, to its whole group; one of our scripts takes down
# its own children and gets the SIGTERM alone.
stop_child() {
    local pid=$1 tries=$((${2:-20} * 10))
    if [[ -n ${IS_SCRIPT[$pid]:-} ]]; then
        kill -TERM "$pid" 2>/dev/null || true
    else
        kill -TERM -- "-$pid" 2>/dev/null || true
    fi
    while alive "$pid" && ((tries-- > 0)); do
        nap 0.1
    done
    kill -KILL -- "-$pid" 2>/dev/null || true
    reap "$pid" || true
}

# run_logged LABEL LOG COMMAND...: a step that is one command; when it fails, the end of its log is shown.
run_logged() {
    local label=$1 log=$2 status=0 pid
    shift 2
    step_begin "$label"
    start_child "$log" "$@"
    pid=$CHILD
    while alive "$pid"; do
        nap 0.2
        [[ ! -t $MESSAGES ]] || step_tick "$(tail -n 1 "$log" 2>/dev/null | tr -d '\r\t' || true)"
        [[ -t $MESSAGES ]] || step_tick
    done
    reap "$pid" || status=$?
    if ((status == 0)); then
        step_end
    else
        step_end "failed (status $status)"
        show_tail "$log"
    fi
    return "$status"
}

# run_script OUT COMMAND...: likewise, until it has ended; its status is handed on.
run_script() {
    local pid
    start_script "$@"
    pid=$CHILD
    while alive "$pid"; do
        nap 0.2
    done
    reap "$pid"
}

# on_exit FUNCTION: called once at the end, however that comes, with the exit status. It may change EXIT_STATUS.
EXIT_FUNCTION=
EXIT_STATUS=0

# Those that are left. The function of on_exit calls it first if it removes what they may still write.
stop_children() {
    local child
    for child in "${CHILDREN[@]}"; do
        stop_child "$child"
    done
}

finish() {
    EXIT_STATUS=$1
    set +e
    trap '' INT TERM HUP PIPE
    step_break
    [[ -z $EXIT_FUNCTION ]] || "$EXIT_FUNCTION" "$EXIT_STATUS"
    stop_children
    trap - EXIT
    exit "$EXIT_STATUS"
}

caught_signal() {
    trap '' INT TERM HUP PIPE
    # A script that was started by another one leaves the talking to that.
    [[ -n ${COLO_PERF_NESTED:-} ]] || say "$PROGRAM: stopped by SIG$1, cleaning up" || true
    exit "$2"
}

on_exit() {
    EXIT_FUNCTION=$1
    trap 'finish $?' EXIT
    trap 'caught_signal INT 130' INT
    trap 'caught_signal TERM 143' TERM
    trap 'caught_signal HUP 129' HUP
    trap 'caught_signal PIPE 141' PIPE
}

# --- Checks ---

is_number() {
    [[ $1 =~ ^(0|[1-9][0-9]{0,8})$ ]]
}

# need_number OPTION VALUE MIN MAX
need_number() {
    if ! is_number "$2" || (($2 < $3 || $2 > $4)); then
        usage_error "$1 needs a number from $3 to $4, not '$2'"
    fi
}

# existing_parent PATH: PATH itself, or the nearest directory above it that exists.
existing_parent() {
    local path=$1
    while [[ ! -e $path ]]; do
        path=$(dirname -- "$path")
    done
    printf '%s\n' "$path"
}

# need_space DIR MIB WHAT
need_space() {
    local free
    free=$(df -Pm -- "$(existing_parent "$1")" | awk 'NR == 2 { print $4 }')
    ((free >= $2)) || die "$1 has $free MiB free, $3 needs $2 MiB: make room, or choose another place with $4"
}

# make_dir DIR HINT
make_dir() {
    mkdir -p -- "$1" 2>/dev/null || die "cannot create the directory $1: $2"
    [[ -w $1 ]] || die "cannot write to the directory $1: $2"
}

# --- The cache ---

cache_dir() {
    local base=${XDG_CACHE_HOME:-${HOME:-}/.cache}
    printf '%s\n' "${COLO_PERF_CACHE:-$base/colo-perf}"
}

# Sets CACHE, creates it, makes it absolute: recordings hold the paths of what lies in it.
use_cache() {
    CACHE=$(cache_dir)
    make_dir "$CACHE" "set COLO_PERF_CACHE to a directory that you may write to"
    CACHE=$(cd -- "$CACHE" && pwd -P)
}

# parse_cache_options [OPTION...]: those of the scripts that fill the cache; calls the script's usage(). A script may have
# one option of its own with a value: OWN_OPTION is its name, and OWN_VALUE becomes what was given.
OWN_OPTION=
OWN_VALUE=
REFRESH=
NO_INSTALL=${NO_INSTALL:-}
# shellcheck disable=SC2034 # for those who source this
parse_cache_options() {
    while (($#)); do
        case $1 in
            --refresh) REFRESH=1 ;;
            --no-install) NO_INSTALL=1 ;;
            -h | --help) usage; exit 0 ;;
            *)
                [[ -n $OWN_OPTION && $1 == "$OWN_OPTION" ]] || usage_error "unknown argument '$1'"
                (($# >= 2)) || usage_error "$1 needs a value"
                OWN_VALUE=$2
                shift
                ;;
        esac
        shift
    done
}

# lock_cache NAME: until the script ends; says so when it has to wait for another one.
lock_cache() {
    local fd
    exec {fd}>"$CACHE/$1.lock" || die "cannot write $CACHE/$1.lock: set COLO_PERF_CACHE to a directory that you may write to"
    if ! flock -n "$fd"; then
        step_begin "waiting for another script that fills $CACHE"
        until flock -n "$fd"; do
            nap 0.5
            step_tick
        done
        step_end
    fi
}

# --- Packages ---

package_installed() {
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

# What `make` needs; README.md says so too.
# shellcheck disable=SC2034 # used by the scripts that build
BUILD_PACKAGES=(gcc libc6-dev make pkg-config libglib2.0-dev libtraceevent-dev libjson-glib-dev libdw-dev libelf-dev
    libiberty-dev liblzma-dev libzstd-dev)

# need_packages LABEL PACKAGE...: installs what is missing; with NO_INSTALL=1, or without the right to, it stops and says
# what to install.
need_packages() {
    local label=$1 package missing=() log
    shift
    if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
        warn "this is no Debian: make sure that the equivalents of these are installed: $*"
        return 0
    fi
    for package in "$@"; do
        package_installed "$package" || missing+=("$package")
    done
    if ((${#missing[@]} == 0)); then
        say "== packages for $label ... all $# installed"
        return 0
    fi
    if [[ -n ${NO_INSTALL:-} ]] || ((EUID != 0)); then
        die "packages for $label are missing; install them with: apt-get install ${missing[*]}"
    fi
    say "== packages for $label: installing ${missing[*]}"
    log=$(mktemp)
    # An entry of somebody else that cannot be reached must not stop us: the installation decides.
    run_logged "updating apt's lists" "$log" apt-get update || true
    if ! run_logged "installing ${#missing[@]} packages" "$log" \
        env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"; then
        rm -f -- "$log"
        die "apt-get could not install the packages for $label; try: apt-get install ${missing[*]}"
    fi
    rm -f -- "$log"
    say "== installed: ${missing[*]}"
}

# --- A private apt: lists of its own in the cache, sources made of the machine's own; /etc/apt stays as it is ---

# Turns the machine's `deb` entries into `deb` and `deb-src` ones in directory $1. Only the suites of this release:
# other people's archives are of no use here and may not answer.
write_private_sources() {
    local dir=$1 file release=
    # shellcheck source=/dev/null
    [[ ! -r /etc/os-release ]] || release=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
    rm -rf -- "$dir"
    mkdir -p -- "$dir"
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
        [[ -r $file ]] || continue
        awk -v release="$release" '
            $1 == "deb" {
                suite = 3
                if ($2 ~ /^\[/)
                    for (suite = 4; $(suite - 2) !~ /\]$/ && suite < NF; suite++)
                        ;
                if (release != "" && $suite !~ ("^" release "([-/]|$)") && $suite !~ /^(old)?stable([-\/]|$)/)
                    next
                print
                sub(/^[ \t]*deb/, "deb-src")
                print
            }' "$file" >>"$dir/machine.list"
    done
    for file in /etc/apt/sources.list.d/*.sources; do
        [[ -r $file ]] || continue
        # Paragraphs are taken whole; comments inside are allowed and dropped.
        sed -e '/^#/d' -e 's/^[[:space:]]*$//' "$file" | awk -v release="$release" '
            BEGIN { RS = ""; FS = "\n" }
            {
                ours = (release == "")
                enabled = binary = 1
                for (i = 1; i <= NF; i++) {
                    if (tolower($i) ~ /^suites:/) {
                        n = split(substr($i, 8), suites, " ")
                        for (j = 1; j <= n; j++)
                            if (suites[j] ~ ("^" release "([-/]|$)") || suites[j] ~ /^(old)?stable([-\/]|$)/)
                                ours = 1
                    }
                    if (tolower($i) ~ /^enabled:[ \t]*no/)
                        enabled = 0
                    if (tolower($i) ~ /^types:/) {
                        binary = ($i ~ /[: \t]deb([ \t]|$)/)
                        $i = "Types: deb deb-src"
                    }
                }
                if (!ours || !enabled || !binary)
                    next
                for (i = 1; i <= NF; i++)
                    print $i
                print ""
            }' >>"$dir/machine.sources"
    done
    [[ -s $dir/machine.list || -s $dir/machine.sources ]] ||
        die "no package source of this Debian release found in /etc/apt: add one there"
}

# private_apt apt-get|apt-cache ARGUMENTS...
private_apt() {
    local tool=$1
    shift
    LC_ALL=C "$tool" -q -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$CACHE/apt/sources" \
        -o "Dir::State::lists=$CACHE/apt/lists" -o Dir::Cache::srcpkgcache= -o Dir::Cache::pkgcache= \
        -o "Dir::Cache::archives=$CACHE/apt/archives" -o APT::Sandbox::User=root "$@"
}

PRIVATE_APT_READY=

# Brings the private lists up to date, once a script.
private_apt_update() {
    [[ -z $PRIVATE_APT_READY ]] || return 0
    mkdir -p -- "$CACHE/apt/lists/partial" "$CACHE/apt/archives/partial"
    write_private_sources "$CACHE/apt/sources"
    : >"$CACHE/apt/update.log"
    # Not all that it reads is needed; whether something that is needed lacks shows when that is fetched.
    export -f private_apt
    export CACHE
    run_logged "reading package lists" "$CACHE/apt/update.log" bash -c 'private_apt apt-get update' || true
    PRIVATE_APT_READY=1
}

# fetch_package PACKAGE DIR: the newest PACKAGE, downloaded and unpacked into DIR, which appears complete or not at all.
# Nothing is installed.
fetch_package() {
    local package=$1 dir=$2 work=$2.part log=$2.log
    private_apt_update
    rm -rf -- "$work"
    mkdir -p -- "$work/deb" "$work/root"
    : >"$log"
    export -f private_apt
    export CACHE
    # shellcheck disable=SC2016 # expanded by the inner shell
    if ! run_logged "fetching package $package" "$log" bash -c '
            set -e
            cd "$1/deb"
            private_apt apt-get download "$2"
            dpkg-deb -x ./*.deb "$1/root"' - "$work" "$package"; then
        rm -rf -- "$work"
        show_tail "$CACHE/apt/update.log" 5
        die "cannot fetch Debian's package $package: check the network, free space in $CACHE, and /etc/apt"
    fi
    rm -rf -- "$dir"
    mv -- "$work/root" "$dir"
    rm -rf -- "$work" "$log"
}

# fetch_closure DIR PACKAGE...: these and all that they depend on, unpacked into DIR as on a machine that has nothing yet;
# DIR.packages lists them with their versions. DIR appears complete or not at all. Nothing is installed, no script is run.
fetch_closure() {
    local dir=$1 work=$1.part log=$1.log
    shift
    private_apt_update
    rm -rf -- "$work"
    mkdir -p -- "$work/deb/partial" "$work/root"
    : >"$work/status"
    : >"$log"
    export -f private_apt
    export CACHE
    # shellcheck disable=SC2016 # expanded by the inner shell
    if ! run_logged "fetching $* and what they need" "$log" bash -c '
            set -e
            work=$1
            shift
            private_apt apt-get -o "Dir::State::status=$work/status" -o "Dir::Cache::archives=$work/deb" -y \
                --no-install-recommends --download-only install "$@"
            for deb in "$work"/deb/*.deb; do
                dpkg-deb -x "$deb" "$work/root"
                dpkg-deb -W --showformat="\${Package} \${Version}\n" "$deb" >>"$work/packages"
            done' - "$work" "$@"; then
        rm -rf -- "$work"
        show_tail "$CACHE/apt/update.log" 5
        die "cannot fetch Debian's packages $*: check the network, free space in $CACHE, and /etc/apt"
    fi
    rm -rf -- "$dir"
    mv -- "$work/packages" "$dir.packages"
    mv -- "$work/root" "$dir"
    rm -rf -- "$work" "$log"
}

# Sets FIRMWARE: a directory with the firmware that Debian's QEMU tarball lacks, for QEMU's -L.
ensure_firmware() {
    local package root=$CACHE/firmware-packages
    FIRMWARE=$CACHE/firmware
    [[ ! -e $FIRMWARE/linuxboot_dma.bin ]] || return 0
    mkdir -p -- "$root"
    for package in seabios ipxe-qemu qemu-system-data; do
        fetch_package "$package" "$root/$package"
    done
    rm -rf -- "$FIRMWARE.part"
    mkdir -p -- "$FIRMWARE.part"
    cp -L -- "$root"/seabios/usr/share/seabios/*.bin "$root"/ipxe-qemu/usr/lib/ipxe/qemu/*.rom \
        "$root"/qemu-system-data/usr/share/qemu/{kvmvapic,linuxboot,linuxboot_dma,multiboot,multiboot_dma,pvh}.bin \
        "$FIRMWARE.part/"
    rm -rf -- "$FIRMWARE" "$root"
    mv -- "$FIRMWARE.part" "$FIRMWARE"
}
