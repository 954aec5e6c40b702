# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What make-guest.sh puts into a guest that compiles: Debian's toolchain and the source, fetched and unpacked in the cache,
# without what no compile reads. Sourced after lib.sh. It starts nothing, and what is done in the guest is in guest/.
#
# shellcheck disable=SC2034,SC2153 # CACHE, REFRESH and UNFINISHED are of those who source this

# What it takes in the cache, fetching and unpacking included, and how large the initramfs becomes.
declare -A WORKLOAD_SPACE_MIB=([compile]=800 [kernel-build]=4500)

# Neither the sanitizers nor link-time optimisation are used (its plugin gcc insists on); ld.bfd is the linker. Kerberos and TLS come with libnsl.
TRIM=('usr/share/*' var etc/ssl 'usr/lib/*/gconv' 'usr/lib/*/perl*/*/auto/[A-EG-Z]*' 'usr/lib/gcc/*/*/lto1'
    'usr/lib/gcc/*/*/lib[^gl]*' 'usr/lib/gcc/*/*/plugin' 'usr/bin/*lto-dump*' 'usr/bin/*gold' 'usr/bin/*dwp' 'usr/bin/*gp*'
    'usr/bin/*gcov*' 'usr/lib/*/lib*san*' 'usr/lib/*/libgprof*' 'usr/lib/*/gprofng')

# unused_by_compile ROOT: compiled only, not linked.
unused_by_compile() {
    rm -rf -- "${1:?}"/usr/lib/*/{*.a,libcrypto*,libssl*,libkrb5*,libk5*,libgssapi*,libtirpc*,libnsl*,libgomp*,perl-base,audit} \
        "$1"/usr/include/openssl "$1"/usr/lib/gcc/*/*/*.a "${1:?}"/{bin,sbin,usr/sbin,usr/libexec}
}

fetch_compile() {
    local root=$1
    fetch_closure "$root" gcc libc6-dev make
    # Lua is C of the size and kind that a compiler meets every day, and needs nothing but libc.
    fetch_source lua5.4 "$root.source"
    unused_by_compile "$root"
    mkdir -p -- "$root/source"
    tar -C "$root/source" --strip-components=1 -xf "$root.source"/*.orig.tar.* ||
        die "cannot unpack the source of lua5.4 in $root.source: is the disk full?"
    find "$root.source" -name '*.orig.tar.*' -printf '%f\n' >>"$root.packages"
    rm -rf -- "$root.source"
}

# The directories of a kernel's source, as patterns, of which its x86 defconfig compiles nothing. Their Kconfig and
# Makefile stay, as those of the directories above name them.
KERNEL_UNUSED=(Documentation samples tools/testing tools/perf 'arch/!(x86|Kconfig)'
    'drivers/gpu/drm/@(amd|radeon|nouveau|msm)' drivers/media drivers/staging drivers/infiniband drivers/iio
    drivers/comedi drivers/s390 drivers/net/wireless
    'drivers/net/ethernet/@(mellanox|chelsio|qlogic|cavium|freescale|huawei|hisilicon|netronome|emulex|sfc)'
    'drivers/scsi/!(device_handler|*.*)' 'drivers/clk/!(x86|*.*)' 'drivers/pinctrl/!(intel|*.*)' 'drivers/crypto/!(*.*)'
    sound/soc)

fetch_kernel_build() {
    local root=$1 package directory
    fetch_closure "$root" gcc libc6-dev make flex bison bc libelf-dev libssl-dev perl-base bash coreutils sed grep gawk \
        findutils diffutils gzip
    # What the packages' own scripts would have made.
    ln -sf bash "$root/bin/sh"
    ln -sf gawk "$root/usr/bin/awk"
    package=$(private_apt apt-cache show --no-all-versions linux-source | sed -n 's/^Depends:.*\(linux-source-[0-9.]*[0-9]\).*/\1/p' |
        head -n 1)
    [[ -n $package ]] || die "cannot find out the source package of linux-source: see $CACHE/apt/update.log"
    fetch_package "$package" "$root.source"
    step_begin "unpacking the source of the kernel that the guest builds"
    mkdir -p -- "$root/source"
    tar -C "$root/source" --strip-components=1 -xf "$root.source/usr/src/$package.tar.xz" ||
        die "cannot unpack $package in $root: is the disk full?"
    (
        shopt -s extglob nullglob
        cd -- "$root/source" || exit 1
        for directory in "${KERNEL_UNUSED[@]}"; do
            # shellcheck disable=SC2086 # a pattern
            find $directory -type f ! -name 'Kconfig*' ! -name 'Makefile*' ! -name 'Kbuild*' -delete
        done
    )
    private_apt apt-cache show --no-all-versions "$package" | sed -n "s/^Version:/$package/p" >>"$root.packages"
    rm -rf -- "$root.source"
    step_end
    prepare_kernel_build "$root"
}

# Configures the kernel and builds the tools that its build needs, in ROOT and with what is there: under TCG that would take the
# guest half an hour, in which it compiles nothing of the kernel.
prepare_kernel_build() {
    local root=$1 unshare=(unshare --mount)
    ((EUID == 0)) || unshare+=(--map-root-user)
    mkdir -p -- "$root/dev" "$root/tmp" "$root/prepared"
    # shellcheck disable=SC2016 # expanded by the inner shell
    run_logged "configuring the kernel that the guest builds" "$root.log" "${unshare[@]}" bash -c '
        set -e
        mount --rbind /dev "$1/dev"
        for target in defconfig "prepare modules_prepare"; do
            PATH=$PATH:/usr/sbin:/sbin chroot "$1" /usr/bin/env -i PATH=/usr/bin:/bin HOME=/tmp LC_ALL=C \
                make -C /source O=/tmp/kernel -j"$2" $target
        done' - "$root" "$(nproc)" ||
        die "the kernel that the guest builds cannot be configured, see above"
    mv -- "$root/tmp/kernel" "$root/prepared/"
    rm -f -- "$root.log"
}

# The newest source of a Debian package as it was published, in DIR, not unpacked.
fetch_source() {
    local package=$1 dir=$2
    private_apt_update
    rm -rf -- "$dir"
    mkdir -p -- "$dir"
    export -f private_apt
    export CACHE
    # shellcheck disable=SC2016 # expanded by the inner shell
    run_logged "fetching the source of $package" "$dir.log" bash -c '
        cd "$1" && private_apt apt-get source --only-source --download-only "$2"' - "$dir" "$package" ||
        die "cannot fetch the source of Debian's package $package: check the network and the free space in $CACHE"
    rm -f -- "$dir.log"
}

# prepare_compile_base WORKLOAD: sets BASE, a directory of the cache with base.cpio (all but init) and packages.
prepare_compile_base() {
    local workload=$1 root pattern recipe
    recipe=$(sha256sum <"${BASH_SOURCE[0]}" | cut -c1-12)
    BASE=$CACHE/guest-base-$workload-$recipe
    [[ -z $REFRESH ]] || rm -rf -- "$BASE"
    [[ ! -e $BASE/base.cpio ]] || return 0
    need_space "$CACHE" "${WORKLOAD_SPACE_MIB[$workload]}" "a guest that compiles" COLO_PERF_CACHE
    root=$BASE.part/root
    rm -rf -- "$BASE.part"
    mkdir -p -- "$BASE.part"
    UNFINISHED=$BASE.part
    "fetch_${workload//-/_}" "$root"
    # bison reads its skeletons.
    [[ ! -d $root/usr/share/bison ]] || mv -- "$root/usr/share/bison" "$BASE.part/bison"
    for pattern in "${TRIM[@]}"; do
        # shellcheck disable=SC2086 # a pattern
        (cd -- "$root" && rm -rf -- $pattern)
    done
    mkdir -p -- "$root/usr/share" "$root/tmp" "$root/proc" "$root/sys" "$root/dev" "$root/bin"
    [[ ! -d $BASE.part/bison ]] || mv -- "$BASE.part/bison" "$root/usr/share/bison"
    make_cpio "$root" "$BASE.part/base.cpio"
    mv -- "$root.packages" "$BASE.part/packages"
    # Those of other recipes are of no use any more, and large.
    rm -rf -- "$root" "$CACHE/guest-base-$workload-"????????????
    mv -- "$BASE.part" "$BASE"
    UNFINISHED=
}
