# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The disks of a pair with --disk, as in QEMU's COLO-FT.txt: the images, what QEMU is told of them, the replication between
# them. Sourced by start-pair.sh after lib.sh and pair-options.sh. It starts no QEMU.
#
#     primary                                    secondary
#       quorum colo-disk0                          quorum colo-disk0
#         qcow2 primary.qcow2                        replication childs0
#         replication replication0                     qcow2 secondary-active.qcow2   what its guest writes
#           NBD client ---------------------------.      qcow2 secondary-hidden.qcow2   what the primary overwrites
#                                                 `---->   qcow2 secondary.qcow2 (parent0)
#
# shellcheck disable=SC2034 # some variables are for those who source this

DISK_MIB=256
DISKS=  # Directory of the images

make_disks() {
    local name
    need_packages "the disks" "${DISK_PACKAGES[@]}"
    need_space "$RUN_DIR" $((4 * DISK_MIB)) "the disks of the pair" --run-dir
    DISKS=$(mktemp -d "$RUN_DIR/disks.XXXXXX")
    # Empty ones: both sides begin with the same content.
    for name in primary secondary secondary-active secondary-hidden; do
        qemu-img create -q -f qcow2 "$DISKS/$name.qcow2" "${DISK_MIB}M" 2>"$RUN_DIR/qemu-img.log" ||
            die "cannot make the disk $DISKS/$name.qcow2: $(tail -n 1 "$RUN_DIR/qemu-img.log")"
        rm -f -- "$RUN_DIR/qemu-img.log"
    done
}

remove_disks() {
    [[ -z $DISKS ]] || rm -rf -- "$DISKS"
}

# disk_arguments SIDE: sets DISK_ARGUMENTS.
disk_arguments() {
    local quorum=if=ide,id=colo-disk0,driver=quorum,read-pattern=fifo,vote-threshold=1 dir=${DISKS//,/,,}
    case $1 in
        primary)
            DISK_ARGUMENTS=(-drive "$quorum,children.0.file.filename=$dir/primary.qcow2,children.0.driver=qcow2")
            ;;
        secondary)
            DISK_ARGUMENTS=(
                -drive "if=none,id=parent0,file.filename=$dir/secondary.qcow2,driver=qcow2"
                -drive "if=none,id=childs0,driver=replication,mode=secondary,file.driver=qcow2,top-id=colo-disk0,\
file.file.filename=$dir/secondary-active.qcow2,file.backing.driver=qcow2,\
file.backing.file.filename=$dir/secondary-hidden.qcow2,file.backing.backing=parent0"
                -drive "$quorum,children.0=childs0"
            )
            ;;
    esac
}

# start_replication HOST PORT: where the secondary's NBD server listens.
start_replication() {
    local server="\"host\": \"$1\", \"port\": \"$2\""
    qmp_command secondary nbd-server-start "{\"addr\": {\"type\": \"inet\", \"data\": {$server}}}"
    qmp_command secondary nbd-server-add '{"device": "parent0", "writable": true}'
    qmp_command primary blockdev-add "{\"driver\": \"replication\", \"mode\": \"primary\", \"node-name\": \"replication0\",
        \"file\": {\"driver\": \"nbd\", \"export\": \"parent0\", \"server\": {\"type\": \"inet\", $server}}}"
    qmp_command primary x-blockdev-change '{"parent": "colo-disk0", "node": "replication0"}'
}

# load_arguments SIDE: a second serial port, over which the guest is told to begin writing.
load_arguments() {
    LOAD_ARGUMENTS=(-serial null)
    [[ $1 == primary ]] || return 0
    mkfifo "$SOCKETS/go.in" "$SOCKETS/go.out"
    LOAD_ARGUMENTS=(-chardev "pipe,id=go,path=$SOCKETS/go" -serial chardev:go)
}

# The secondary's guest learns it from the primary's state.
start_disk_load() {
    # Opened for reading as well, as that never blocks.
    echo go 1<>"$SOCKETS/go.in"
}

# Lines for pair.env.
disk_state() {
    printf 'primary_disk=%s\nsecondary_disk=%s\n' "$DISKS/primary.qcow2" "$DISKS/secondary.qcow2"
    printf 'secondary_active_disk=%s\nsecondary_hidden_disk=%s\n' "$DISKS/secondary-active.qcow2" \
        "$DISKS/secondary-hidden.qcow2"
    printf 'nbd_port=%s\n' "$NBD_PORT"
}
