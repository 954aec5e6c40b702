#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Makes the test guest in the cache: the kernel of Debian's linux-image-amd64 and an initramfs of busybox-static, init and
# what it runs, the loads of guest/ with drivers for COLO-FT.txt's devices, or a compile. Prints the directory that holds both.
# Installs no kernel, starts no QEMU.

set -euo pipefail

HERE=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
GUEST=$HERE/../guest
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$HERE/lib.sh"
# shellcheck source-path=SCRIPTDIR source=guest-compile.sh
. "$HERE/guest-compile.sh"

usage() {
    cat <<END
usage: make-guest.sh [--workload NAME] [--refresh] [--no-install]

Prints the directory with vmlinuz and initramfs.cpio, made in the cache
(COLO_PERF_CACHE, default ~/.cache/colo-perf) when it is not there yet.

  --workload NAME  what the guest does: memory (the default; it dirties memory),
                 compile (it compiles Lua, over and over; ${WORKLOAD_SPACE_MIB[compile]} MiB of disk) or
                 kernel-build (a Linux kernel; ${WORKLOAD_SPACE_MIB[kernel-build]} MiB)
  --refresh      fetch Debian's newest packages again
  --no-install   stop when a package is missing instead of installing it
END
}

OWN_OPTION=--workload
OWN_VALUE=memory
parse_cache_options "$@"
WORKLOAD=$OWN_VALUE
[[ $WORKLOAD == memory || -n ${WORKLOAD_SPACE_MIB[$WORKLOAD]:-} ]] ||
    usage_error "--workload must be memory, compile or kernel-build, not '$WORKLOAD'"

WORK=
BASE=        # What the guest's toolchain is in, see guest-compile.sh
UNFINISHED=  # An entry of the cache
cleanup() {
    stop_children
    [[ -z $WORK ]] || rm -rf -- "$WORK"
    [[ -z $UNFINISHED ]] || rm -rf -- "$UNFINISHED"
}
on_exit cleanup

use_cache
lock_cache guest

# Drivers of the devices that QEMU's COLO-FT.txt uses, rtl8139 and IDE; guest/init loads them when there are such devices.
DRIVERS=(8139cp ata_piix sd_mod)
LOADS=(dirty-memory dirty-disk answer)

# The metapackage's package of the kernel itself, for example linux-image-6.1.0-1-amd64.
kernel_package() {
    private_apt apt-cache show --no-all-versions linux-image-amd64 |
        sed -n 's/^Depends:.*\(linux-image-[0-9][^ ,]*\).*/\1/p' | head -n 1
}

# load_order MODULES MODULE: what MODULE needs and itself, in an order in which they can be loaded; MODULES holds all of the
# kernel's. depmod has not run on them, but each names what it needs.
load_order() {
    local modules=$1 name=$2 file need
    file=$(find "$modules" -name "${name//[_-]/[_-]}.ko" -print -quit)
    [[ -n $file ]] || die "the kernel package holds no module $name"
    for need in $(tr '\0' '\n' <"$file" | sed -n 's/^depends=//p' | tr ',' ' '); do
        load_order "$modules" "$need"
    done
    printf '%s\n' "$file"
}

# pick_drivers MODULES DIR: each driver's modules into DIR, with a list DRIVER.order.
pick_drivers() {
    local modules=$1 dir=$2 driver file order
    mkdir -p -- "$dir"
    for driver in "${DRIVERS[@]}"; do
        order=$(load_order "$modules" "$driver") || exit 1
        # What several of them need comes first where it is needed first.
        while read -r file; do
            cp -- "$file" "$dir/"
            basename -- "$file" .ko
        done <<<"$order" | awk '!seen[$0]++' >"$dir/$driver.order"
    done
}

fetch_kernel() {
    local package files
    private_apt_update
    package=$(kernel_package)
    [[ -n $package ]] || die "cannot find out the kernel package of linux-image-amd64: see $CACHE/apt/update.log"
    fetch_package "$package" "$CACHE/kernel-package"
    files=("$CACHE"/kernel-package/boot/vmlinuz-*)
    [[ -f ${files[0]} ]] || die "package $package holds no /boot/vmlinuz-*"
    rm -rf -- "$CACHE/kernel.part"
    mkdir -p -- "$CACHE/kernel.part"
    mv -- "${files[0]}" "$CACHE/kernel.part/vmlinuz"
    pick_drivers "$CACHE/kernel-package/lib/modules" "$CACHE/kernel.part/modules"
    printf '%s\n' "${files[0]##*/vmlinuz-}" >"$CACHE/kernel.part/version"
    rm -rf -- "$CACHE/kernel" "$CACHE/kernel-package"
    mv -- "$CACHE/kernel.part" "$CACHE/kernel"
}

# A cache of an earlier version of this script may have the kernel without the drivers.
kernel_complete() {
    local driver
    [[ -e $CACHE/kernel/version ]] || return 1
    for driver in "${DRIVERS[@]}"; do
        [[ -e $CACHE/kernel/modules/$driver.order ]] || return 1
    done
}

[[ -z $REFRESH ]] || rm -rf -- "$CACHE/kernel" "$CACHE/busybox"
if ! kernel_complete || [[ ! -e $CACHE/busybox/bin/busybox ]]; then
    need_space "$CACHE" 600 "the guest's kernel" COLO_PERF_CACHE
fi
kernel_complete || fetch_kernel
[[ -e $CACHE/busybox/bin/busybox ]] || fetch_package busybox-static "$CACHE/busybox"

need_packages "the guest" gcc libc6-dev cpio xz-utils

# make_cpio DIR FILE: an initramfs, or a part of one, as the kernel reads several after each other.
make_cpio() {
    (cd -- "$1" && find . -print0 | LC_ALL=C sort -z |
        cpio --quiet --null --create --format=newc --owner=0:0) >"$2" ||
        die "cannot write the initramfs in $CACHE: is the disk full?"
}

# What init runs, into the initramfs's directory $1; PARTS are what it is made of.
if [[ $WORKLOAD == memory ]]; then
    PARTS=("$GUEST/init" "$GUEST"/*.c "$CACHE"/kernel/modules/*.order)
    add_workload() {
        local load
        for load in "${LOADS[@]}"; do
            gcc -O2 -Wall -Wextra -static -o "$1/bin/$load" "$GUEST/$load.c" ||
                die "the guest's load $GUEST/$load.c does not compile"
        done
        cp -r -- "$CACHE/kernel/modules" "$1/modules"
    }
else
    PARTS=("$GUEST/init-compile" "$GUEST/workload-$WORKLOAD")
    add_workload() {
        cp -- "$GUEST/workload-$WORKLOAD" "$1/workload"
    }
    prepare_compile_base "$WORKLOAD"
    PARTS+=("$BASE/packages")
fi

KEY=$(cat -- "$CACHE/kernel/version" "$CACHE/busybox/bin/busybox" "${PARTS[@]}" | sha256sum | cut -c1-12)
RESULT=$CACHE/guest-$KEY
if [[ ! -e $RESULT/initramfs.cpio ]]; then
    step_begin "building the guest's initramfs"
    WORK=$(mktemp -d "$CACHE/guest.XXXXXX")
    mkdir -p "$WORK/root/bin" "$WORK/root/dev" "$WORK/root/proc" "$WORK/result"
    cp -- "$CACHE/busybox/bin/busybox" "$WORK/root/bin/busybox"
    cp -- "${PARTS[0]}" "$WORK/root/init"
    add_workload "$WORK/root"
    chmod 755 "$WORK/root/init" "$WORK/root/bin/"*
    make_cpio "$WORK/root" "$WORK/own.cpio"
    cat -- ${BASE:+"$BASE/base.cpio"} "$WORK/own.cpio" >"$WORK/result/initramfs.cpio" ||
        die "cannot write the initramfs in $CACHE: is the disk full?"
    cp -- "$CACHE/kernel/vmlinuz" "$CACHE/kernel/version" "$WORK/result/"
    mv -- "$WORK/result" "$RESULT"
    step_end
else
    say "== guest ... in the cache, kernel $(<"$RESULT/version")"
fi

printf '%s\n' "$RESULT"
