#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Builds libperf, which `colo-perf live -p` reads the kernel's buffers with and Debian has no package of, from Debian's
# package of the kernel's source. It lands in the cache and is reused; nothing is installed. Prints a directory for
# PKG_CONFIG_PATH. The Makefile finds libperf there by itself.

set -euo pipefail

HERE=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$HERE/lib.sh"

SOURCE=linux-source-6.1
# What libperf, libapi and their makefiles read.
MEMBERS=(tools/lib/perf tools/lib/api 'tools/lib/*.c' tools/build tools/scripts tools/include 'tools/arch/*/include')
PACKAGES=(gcc libc6-dev make pkg-config dpkg xz-utils)
BUILD_MIB=500

usage() {
    cat <<END
usage: build-libperf.sh [--refresh] [--no-install]

Prints a directory with a libperf.pc for PKG_CONFIG_PATH. A libperf of the
system that pkg-config knows is used as it is; otherwise libperf is built, in
half a minute, from Debian's package $SOURCE into the cache:
COLO_PERF_CACHE, default ~/.cache/colo-perf. It is linked statically.
Afterwards \`make\` finds it there.

  --refresh      look for a newer $SOURCE in Debian's archive
  --no-install   stop when a package is missing instead of installing it
END
}

parse_cache_options "$@"

UNFINISHED=
cleanup() {
    stop_children
    [[ -z $UNFINISHED ]] || rm -rf -- "$UNFINISHED"
}
on_exit cleanup

# The hash of what decides how it is built, without its source. -fPIC comes from libperf's own makefile.
recipe_key() {
    {
        declare -f build_entry write_pc
        printf '%s\n' "$SOURCE" "${MEMBERS[@]}"
    } | sha256sum | cut -c1-12
}

complete_entry() {
    [[ -e $1/complete && -e $1/lib/pkgconfig/libperf.pc ]]
}

# Makes it the one that the Makefile finds, and is done.
use_entry() {
    ln -sfn -- "${1##*/}" "$CACHE/libperf"
    say "== libperf ... in the cache, $(<"$1/complete")"
    printf '%s\n' "$CACHE/libperf/lib/pkgconfig"
    exit 0
}

# libperf's own libperf.pc says nothing of libapi, which the shared library holds and the static one needs.
write_pc() {
    local prefix=$1 version=$2
    cat <<END
prefix=$prefix

Name: libperf
Description: perf library, static, of $SOURCE
Version: $version
Libs: -L\${prefix}/lib -lperf -lapi
Cflags: -I\${prefix}/include
END
}

build_entry() {
    local entry=$1 version=$2 log=$CACHE/build-libperf.log work=$1/work members=() member
    rm -rf -- "$entry"
    UNFINISHED=$entry
    mkdir -p -- "$work/build" "$entry/lib/pkgconfig"
    : >"$log"
    fetch_package "$SOURCE" "$work/package"
    for member in "${MEMBERS[@]}"; do
        members+=("$SOURCE/$member")
    done
    run_logged "unpacking a part of $SOURCE" "$log" tar -xf "$work/package/usr/src/$SOURCE.tar.xz" -C "$work" \
        --wildcards "${members[@]}" ||
        die "cannot unpack $SOURCE: check the free space in $CACHE; the whole log is $log"
    # The headers of this program must be those of this source, so nothing is taken from elsewhere.
    run_logged "building libperf" "$log" make -C "$work/$SOURCE/tools/lib/perf" "O=$work/build/" prefix=/ \
        "DESTDIR=$entry" "$work/build/libperf.a" "$work/build/libapi.a" install_headers ||
        die "libperf does not build: the whole log is $log"
    cp -- "$work/build/libperf.a" "$work/build/libapi.a" "$entry/lib/"
    write_pc "$entry" "${version%-*}" >"$entry/lib/pkgconfig/libperf.pc"
    rm -rf -- "$work"
    printf '%s\n' "$version" >"$entry/complete.part"
    mv -- "$entry/complete.part" "$entry/complete"
    UNFINISHED=
}

newest_version() {
    private_apt apt-cache show --no-all-versions "$SOURCE" 2>/dev/null | sed -n 's/^Version: //p' | head -n 1
}

if command -v pkg-config >/dev/null && pkg-config --exists libperf; then
    say "== libperf ... the system's, $(pkg-config --modversion libperf)"
    pkg-config --variable=pcfiledir libperf
    exit 0
fi

use_cache
lock_cache libperf
RECIPE=$(recipe_key)
if [[ -z $REFRESH ]]; then
    # Whatever version Debian had when it was built: looking for a newer one needs the network.
    for ENTRY in "$CACHE"/libperf-*-"$RECIPE"; do
        ! complete_entry "$ENTRY" || use_entry "$ENTRY"
    done
fi

need_space "$CACHE" "$BUILD_MIB" "building libperf" COLO_PERF_CACHE
need_packages "building libperf" "${PACKAGES[@]}"
# The private lists are shared with build-qemu.sh.
lock_cache apt
private_apt_update
VERSION=$(newest_version)
if [[ -z $VERSION ]]; then
    show_tail "$CACHE/apt/update.log" 5
    die "this machine's package archive offers no $SOURCE: check the network; without libperf all works but live -p"
fi
ENTRY=$CACHE/libperf-${VERSION//:/_}-$RECIPE
! complete_entry "$ENTRY" || use_entry "$ENTRY"
build_entry "$ENTRY" "$VERSION"
use_entry "$ENTRY"
