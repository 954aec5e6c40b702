#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Makes the test guest in the cache: the kernel of Debian's linux-image-amd64 and an initramfs of busybox-static, init and
# the memory writer of guest/. Prints the directory that holds both. Installs no kernel, starts no QEMU.

set -euo pipefail

HERE=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
GUEST=$HERE/../guest
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$HERE/lib.sh"

usage() {
    cat <<END
usage: make-guest.sh [--refresh] [--no-install]

Prints the directory with vmlinuz and initramfs.cpio, made in the cache
(COLO_PERF_CACHE, default ~/.cache/colo-perf) when it is not there yet.

  --refresh      fetch Debian's newest kernel and busybox again
  --no-install   stop when a package is missing instead of installing it
END
}

parse_cache_options "$@"

WORK=
cleanup() {
    stop_children
    [[ -z $WORK ]] || rm -rf -- "$WORK"
}
on_exit cleanup

use_cache
lock_cache guest

# The metapackage's package of the kernel itself, for example linux-image-6.1.0-1-amd64.
kernel_package() {
    private_apt apt-cache show --no-all-versions linux-image-amd64 |
        sed -n 's/^Depends:.*\(linux-image-[0-9][^ ,]*\).*/\1/p' | head -n 1
}

fetch_kernel() {
    local package files
    private_apt_update
    package=$(kernel_package)
    [[ -n $package ]] || die "cannot find out the kernel package of linux-image-amd64: see $CACHE/apt/update.log"
    fetch_package "$package" "$CACHE/kernel-package"
    files=("$CACHE"/kernel-package/boot/vmlinuz-*)
    [[ -f ${files[0]} ]] || die "package $package holds no /boot/vmlinuz-*"
    mkdir -p -- "$CACHE/kernel.part"
    mv -- "${files[0]}" "$CACHE/kernel.part/vmlinuz"
    printf '%s\n' "${files[0]##*/vmlinuz-}" >"$CACHE/kernel.part/version"
    rm -rf -- "$CACHE/kernel" "$CACHE/kernel-package"
    mv -- "$CACHE/kernel.part" "$CACHE/kernel"
}

[[ -z $REFRESH ]] || rm -rf -- "$CACHE/kernel" "$CACHE/busybox"
if [[ ! -e $CACHE/kernel/version || ! -e $CACHE/busybox/bin/busybox ]]; then
    need_space "$CACHE" 600 "the guest's kernel" COLO_PERF_CACHE
fi
[[ -e $CACHE/kernel/version ]] || fetch_kernel
[[ -e $CACHE/busybox/bin/busybox ]] || fetch_package busybox-static "$CACHE/busybox"

KEY=$(cat -- "$CACHE/kernel/version" "$CACHE/busybox/bin/busybox" "$GUEST/init" "$GUEST/dirty-memory.c" |
    sha256sum | cut -c1-12)
RESULT=$CACHE/guest-$KEY
if [[ ! -e $RESULT/initramfs.cpio ]]; then
    need_packages "the guest" gcc libc6-dev cpio
    step_begin "building the guest's initramfs"
    WORK=$(mktemp -d "$CACHE/guest.XXXXXX")
    mkdir -p "$WORK/root/bin" "$WORK/root/dev" "$WORK/root/proc"
    gcc -O2 -Wall -Wextra -static -o "$WORK/root/bin/dirty-memory" "$GUEST/dirty-memory.c" ||
        die "the memory writer $GUEST/dirty-memory.c does not compile"
    cp -- "$CACHE/busybox/bin/busybox" "$WORK/root/bin/busybox"
    cp -- "$GUEST/init" "$WORK/root/init"
    chmod 755 "$WORK/root/init" "$WORK/root/bin/"*
    mkdir "$WORK/result"
    (cd -- "$WORK/root" && find . -print0 | LC_ALL=C sort -z |
        cpio --quiet --null --create --format=newc --owner=0:0) >"$WORK/result/initramfs.cpio" ||
        die "cannot write the initramfs in $CACHE: is the disk full?"
    cp -- "$CACHE/kernel/vmlinuz" "$CACHE/kernel/version" "$WORK/result/"
    mv -- "$WORK/result" "$RESULT"
    step_end
else
    say "== guest ... in the cache, kernel $(<"$RESULT/version")"
fi

printf '%s\n' "$RESULT"
