#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Builds a QEMU for COLO: Debian's QEMU 7.2 source (or QEMU_SRC), the patches of qemu-patch/, its firmware. All of
# it lands in the cache and is reused. Prints the path of the binary. Runs no QEMU; leaves /etc/apt alone.

set -euo pipefail

HERE=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$HERE/lib.sh"

# What each variant adds to Debian's QEMU; what COLO needs under TCG comes last, in all of them.
declare -A VARIANTS=(
    [plain]=''
    [probes]='sdt-probes.patch'
    [recorder]='sdt-probes.patch checkpoint-recorder.patch'
)
# Call chains by frame pointer need the last two.
CONFIGURE=(--target-list=x86_64-softmmu --without-default-features --enable-system --enable-kvm --enable-tcg
    --enable-replication '--extra-cflags=-fno-omit-frame-pointer -mno-omit-leaf-frame-pointer')
PACKAGES=(gcc libc6-dev libglib2.0-dev libpixman-1-dev libfdt-dev zlib1g-dev python3 python3-venv ninja-build meson flex
    bison systemtap-sdt-dev pkg-config make patch)
BUILD_MIB=1500

usage() {
    cat <<END
usage: [QEMU_SRC=DIR] build-qemu.sh [--variant NAME] [--refresh] [--no-install]

Prints the path of a QEMU with the probes, built in the cache when it is not
there yet: COLO_PERF_CACHE, default ~/.cache/colo-perf. Recordings hold that
path; set COLO_PERF_CACHE=/opt/colo-perf, say, to keep your home out of them.

  QEMU_SRC=DIR   build this source tree (7.2, with or without the patches
                 applied; it is copied) instead of Debian's
  --variant NAME probes (the default), recorder (with the recorder inside QEMU
                 as well, for comparing the two) or plain (without either, for
                 measuring what they cost)
  --refresh      look for a newer QEMU 7.2 in Debian's archive
  --no-install   stop when a package is missing instead of installing it

Beside the binary the cache entry keeps src/ and build/, so that single
objects can be rebuilt; the firmware is in firmware/ of the cache, for -L.
END
}

OWN_OPTION=--variant
OWN_VALUE=probes
parse_cache_options "$@"
VARIANT=$OWN_VALUE
[[ -n ${VARIANTS[$VARIANT]+known} ]] || usage_error "--variant must be one of ${!VARIANTS[*]}, not '$VARIANT'"

PATCHES=()
for PATCH in ${VARIANTS[$VARIANT]}; do
    PATCHES+=("$HERE/../qemu-patch/$PATCH")
done
PATCHES+=("$HERE"/../qemu-patch/tcg-*.patch)

UNFINISHED=
cleanup() {
    stop_children
    # Half a build is of no use and may be what fills the disk.
    [[ -z $UNFINISHED ]] || rm -rf -- "$UNFINISHED"
}
on_exit cleanup

# An entry is good once its file `complete` exists, which is written last.
complete_entry() {
    [[ -e $1/complete && -x $1/build/qemu-system-x86_64 ]]
}

use_complete_entry() {
    ensure_firmware
    say "== QEMU ... in the cache, $(<"$1/complete")"
    printf '%s\n' "$1/build/qemu-system-x86_64"
    exit 0
}

# The hash of what decides how QEMU is built, without its source.
recipe_key() {
    {
        cat -- "${PATCHES[@]}"
        printf '%s\n' "${CONFIGURE[@]}"
    } | sha256sum | cut -c1-12
}

# The files of a source tree, NUL-terminated: no history, no builds inside.
list_tree() {
    (cd -- "$1" && find . \( -name .git -o -path ./build \) -prune -o \( -type f -o -type l \) -print0 | LC_ALL=C sort -z)
}

tree_version() {
    local hash
    hash=$(cd -- "$1" && list_tree . | xargs -0 sha256sum -- 2>/dev/null | sha256sum | cut -c1-12)
    printf 'own-%s-%s\n' "$(tr -dc '0-9.' <"$1/VERSION")" "$hash"
}

copy_tree() {
    mkdir -p -- "$2"
    list_tree "$1" | tar -C "$1" --null -T - -cf - | tar -C "$2" -xf -
}

newest_debian_version() {
    local version best=
    while read -r version; do
        [[ $version =~ ^([0-9]+:)?7\.2[^0-9] ]] || continue
        if [[ -z $best ]] || dpkg --compare-versions "$version" gt "$best"; then
            best=$version
        fi
    done < <(private_apt apt-cache showsrc --only-source qemu 2>/dev/null | sed -n 's/^Version: //p')
    printf '%s\n' "$best"
}

# Applies a patch, unless the tree has it already.
apply_patch() {
    local patch=$1 tree=$2 log=$3 name=${1##*/}
    printf -- '--- %s\n' "$name" >>"$log"
    if patch -d "$tree" -p1 --dry-run --reverse --force --silent <"$patch" >>"$log" 2>&1; then
        say "== patch $name ... is in the source already"
    elif patch -d "$tree" -p1 --dry-run --forward --fuzz=2 <"$patch" >>"$log" 2>&1; then
        patch -d "$tree" -p1 --forward --fuzz=2 --no-backup-if-mismatch <"$patch" >>"$log" 2>&1
        say "== patch $name ... applied"
    else
        show_tail "$log"
        die "$name does not apply to this QEMU source: it is made for QEMU 7.2, see qemu-patch/README.md"
    fi
}

build_entry() {
    local entry=$1 version=$2 log=$CACHE/build-qemu.log
    rm -rf -- "$entry"
    UNFINISHED=$entry
    mkdir -p -- "$entry/build"
    : >"$log"

    if [[ -n ${QEMU_SRC:-} ]]; then
        step_begin "copying the QEMU source"
        copy_tree "$QEMU_SRC" "$entry/src" 2>>"$log" ||
            die "cannot copy $QEMU_SRC to $entry: $(tail -n 1 "$log")"
        step_end
    else
        mkdir -- "$entry/download"
        # shellcheck disable=SC2016 # expanded by the inner shell
        run_logged "fetching the source of QEMU $version" "$log" bash -c '
            set -e
            cd "$1/download"
            private_apt apt-get source --only-source "qemu=$2"
            mv ./*/ "$1/src"' - "$entry" "$version" ||
            die "cannot fetch the source of QEMU $version: check the network and the free space in $CACHE, or set QEMU_SRC"
        rm -rf -- "$entry/download"
    fi

    local patch
    for patch in "${PATCHES[@]}"; do
        apply_patch "$patch" "$entry/src" "$log"
    done

    # shellcheck disable=SC2016 # expanded by the inner shell
    run_logged "configuring QEMU" "$log" bash -c 'cd "$1/build" && shift && exec ../src/configure "$@"' \
        - "$entry" "${CONFIGURE[@]}" ||
        die "QEMU's configure failed: the whole log is $log"
    run_logged "building QEMU with $(nproc) jobs" "$log" ninja -C "$entry/build" -j "$(nproc)" qemu-system-x86_64 ||
        die "QEMU does not build: the whole log is $log; check the free space in $CACHE too"

    # Without sys/sdt.h the build would succeed and hold no probe.
    [[ $VARIANT == plain ]] || grep -q '#define HAVE_SYS_SDT_H' "$entry/build/config-host.h" ||
        die "QEMU was built without probes: sys/sdt.h is missing; install systemtap-sdt-dev"

    printf '%s\n' "$version" >"$entry/complete.part"
    mv -- "$entry/complete.part" "$entry/complete"
    UNFINISHED=
}

if [[ -n ${QEMU_SRC:-} && ! -e $QEMU_SRC/migration/colo.c ]]; then
    die "QEMU_SRC=$QEMU_SRC is no QEMU source tree (it has no migration/colo.c): give the directory with configure in it"
fi
for patch in "${PATCHES[@]}"; do
    [[ -r $patch ]] || die "cannot read $patch: this checkout is not complete"
done

use_cache
lock_cache qemu
RECIPE=$(recipe_key)

if [[ -n ${QEMU_SRC:-} ]]; then
    VERSION=$(tree_version "$QEMU_SRC")
    ENTRY=$CACHE/qemu-$VERSION-$RECIPE
    ! complete_entry "$ENTRY" || use_complete_entry "$ENTRY"
elif [[ -z $REFRESH ]]; then
    # Whatever version Debian had when it was built: looking for a newer one needs the network.
    for ENTRY in "$CACHE"/qemu-debian-*-"$RECIPE"; do
        ! complete_entry "$ENTRY" || use_complete_entry "$ENTRY"
    done
fi

need_space "$CACHE" "$BUILD_MIB" "building QEMU" COLO_PERF_CACHE
if [[ -z ${QEMU_SRC:-} ]]; then
    PACKAGES+=(dpkg-dev)
fi
need_packages "building QEMU" "${PACKAGES[@]}"

if [[ -z ${QEMU_SRC:-} ]]; then
    private_apt_update
    VERSION=$(newest_debian_version)
    if [[ -z $VERSION ]] && grep -q 'Failed to fetch' "$CACHE/apt/update.log"; then
        show_tail "$CACHE/apt/update.log" 5
        die "the package lists cannot be read: check the network, or set QEMU_SRC to a source tree of QEMU 7.2"
    fi
    [[ -n $VERSION ]] ||
        die "this machine's package archive offers no source of QEMU 7.2: set QEMU_SRC to such a source tree"
    # ':' in a path would be trouble for PATH-like variables of the build.
    ENTRY=$CACHE/qemu-debian-${VERSION//:/_}-$RECIPE
    ! complete_entry "$ENTRY" || use_complete_entry "$ENTRY"
fi

ensure_firmware
build_entry "$ENTRY" "$VERSION"
printf '%s\n' "$ENTRY/build/qemu-system-x86_64"
