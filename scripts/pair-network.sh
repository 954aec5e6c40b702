# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The network of a pair with --net: three network namespaces, the links between them, what QEMU is told of them, the client.
# Sourced by start-pair.sh after lib.sh and pair-options.sh. It starts no QEMU and decides nothing about COLO.
#
#     primary                        secondary
#       QEMU -- tap0                   QEMU -- tap0
#       |        | br0                 |        | br0
#       repl0    lan0                  repl0    lan0        repl0-repl0: migration, NBD, packets to compare; --link-rate
#       |________|_____________________|        |
#                |         client               |
#                |____primary0  br0  secondary0_|
#
# A namespace has no name: it lives as long as the process that holds it, which the kernel ends with this script, however
# that comes. All links are in these namespaces. So nothing can be left behind, and nothing can clash with another pair.
#
# shellcheck disable=SC2034 # some variables are for those who source this

REPLICATION_NET=10.99.0.0/24                             # The replication link, and on it:
PRIMARY_ADDRESS=10.99.0.1 SECONDARY_ADDRESS=10.99.0.2
CLIENT_ADDRESS=10.98.0.1 GUEST_ADDRESS=10.98.0.2         # Before the guest
GUEST_PORT=7000                                          # See guest/init
GUEST_MAC=52:54:00:c0:10:01
NET_MIGRATION_PORT=9998 NET_NBD_PORT=9999                # As in COLO-FT.txt, and those below

declare -A NETNS=()  # Pids of those that hold the namespaces
CLIENT=              # Pid of the client

# in_netns SIDE COMMAND...
in_netns() {
    nsenter --net="/proc/${NETNS[$1]}/ns/net" -- "${@:2}"
}

# net_step SIDE COMMAND...: a step of setting it up.
net_step() {
    in_netns "$@" >>"$RUN_DIR/network.log" 2>&1 ||
        die "cannot set up the network of the $1: \`${*:2}\` says: $(tail -n 1 "$RUN_DIR/network.log")"
}

make_netns() {
    local side=$1 tries=100
    start_child "$RUN_DIR/network.log" unshare --net -- sleep infinity
    NETNS[$side]=$CHILD
    # Not by readlink: a signal between two command substitutions of one command makes bash 5.2 misread the trap.
    while [[ /proc/$CHILD/ns/net -ef /proc/self/ns/net ]]; do
        ((tries-- > 0)) || die "cannot make a network namespace: $(tail -n 1 "$RUN_DIR/network.log")"
        nap 0.05
    done
    alive "$CHILD" || die "cannot make a network namespace: $(tail -n 1 "$RUN_DIR/network.log")"
    # Neighbour discovery and the like would only be noise to be compared.
    # shellcheck disable=SC2016 # expanded by the inner shell
    net_step "$side" bash -c 'for f in /proc/sys/net/ipv6/conf/*/disable_ipv6; do [[ ! -e $f ]] || echo 1 >"$f"; done'
    net_step "$side" ip link set lo up
}

# make_bridge SIDE INTERFACE...
make_bridge() {
    local side=$1 interface
    shift
    net_step "$side" ip link add br0 type bridge forward_delay 0 mcast_snooping 0
    for interface in "$@"; do
        net_step "$side" ip link set "$interface" master br0
        net_step "$side" ip link set "$interface" up
    done
    net_step "$side" ip link set br0 up
}

# What the replication link lets through, at either end.
limit_link() {
    local side=$1 root=(root) burst=$((LINK_RATE * 125)) # Bytes of a millisecond
    if ((LINK_DELAY)); then
        in_netns "$side" tc qdisc add dev repl0 root handle 1: netem delay "${LINK_DELAY}ms" limit 100000 \
            >>"$RUN_DIR/network.log" 2>&1 ||
            die "this kernel cannot delay packets, for --link-delay load its module sch_netem: $(tail -n 1 "$RUN_DIR/network.log")"
        root=(parent 1:1 handle 10:)
    fi
    if ((LINK_RATE)); then
        ((burst >= 131072)) || burst=131072
        net_step "$side" tc qdisc add dev repl0 "${root[@]}" tbf rate "${LINK_RATE}mbit" burst "$burst" latency 100ms
    fi
}

network_up() {
    local side
    ((EUID == 0)) || die "--net makes network namespaces and needs root: run this as root, for example with sudo"
    [[ -c /dev/net/tun ]] || die "there is no /dev/net/tun: --net needs it, load the kernel's module tun"
    need_packages "the network" "${NET_PACKAGES[@]}"
    step_begin "making the network"
    rm -f -- "$RUN_DIR/network.log"
    for side in primary secondary client; do
        make_netns "$side"
    done
    net_step primary ip link add repl0 type veth peer name repl0 netns "${NETNS[secondary]}"
    net_step primary ip address add "$PRIMARY_ADDRESS/24" dev repl0
    net_step secondary ip address add "$SECONDARY_ADDRESS/24" dev repl0
    for side in primary secondary; do
        net_step "$side" ip link set repl0 up
        net_step "$side" ip link add lan0 type veth peer name "${side}0" netns "${NETNS[client]}"
        net_step "$side" ip tuntap add dev tap0 mode tap
        make_bridge "$side" lan0 tap0
        limit_link "$side"
        [[ -z $LINK_QUICK_ACK ]] || net_step "$side" ip route change "$REPLICATION_NET" dev repl0 quickack 1
    done
    make_bridge client primary0 secondary0
    net_step client ip address add "$CLIENT_ADDRESS/24" dev br0
    step_end
}

# network_arguments SIDE: sets NET_ARGUMENTS to what QEMU is told, from COLO-FT.txt. Unlike there, the primary waits for the
# secondary at mirror0 too: what the filter would send before is lost.
network_arguments() {
    local socket=socket,host=$PRIMARY_ADDRESS
    NET_ARGUMENTS=(-netdev "tap,id=hn0,ifname=tap0,script=no,downscript=no,vhost=off"
        -device "rtl8139,id=e0,netdev=hn0,mac=$GUEST_MAC,romfile=")
    case $1 in
        primary)
            NET_ARGUMENTS+=(
                -chardev "$socket,id=mirror0,port=9003,server=on,wait=on"
                -chardev "$socket,id=compare1,port=9004,server=on,wait=on"
                -chardev "socket,id=compare0,host=127.0.0.1,port=9001,server=on,wait=off"
                -chardev "socket,id=compare0-0,host=127.0.0.1,port=9001"
                -chardev "socket,id=compare_out,host=127.0.0.1,port=9005,server=on,wait=off"
                -chardev "socket,id=compare_out0,host=127.0.0.1,port=9005"
                -object "filter-mirror,id=m0,netdev=hn0,queue=tx,outdev=mirror0"
                -object "filter-redirector,netdev=hn0,id=redire0,queue=rx,indev=compare_out"
                -object "filter-redirector,netdev=hn0,id=redire1,queue=rx,outdev=compare0"
                -object "iothread,id=iothread1"
                -object "colo-compare,id=comp0,primary_in=compare0-0,secondary_in=compare1,outdev=compare_out0,\
iothread=iothread1"
            )
            ;;
        secondary)
            NET_ARGUMENTS+=(
                -chardev "$socket,id=red0,port=9003,reconnect=1"
                -chardev "$socket,id=red1,port=9004,reconnect=1"
                -object "filter-redirector,id=f1,netdev=hn0,queue=tx,indev=red0"
                -object "filter-redirector,id=f2,netdev=hn0,queue=rx,outdev=red1"
                -object "filter-rewriter,id=rew0,netdev=hn0,queue=all"
            )
            ;;
    esac
}

# Starts the client, once the pair is in COLO: before, nothing that the guest sends is let through.
start_client() {
    ((REQUEST_RATE)) || return 0
    rm -f -- "$RUN_DIR/client.jsonl"
    start_child "$RUN_DIR/client.log" nsenter --net="/proc/${NETNS[client]}/ns/net" -- python3 "$HERE/ask-guest.py" \
        --rate "$REQUEST_RATE" --differ-every "$DIFFER_EVERY" --log "$RUN_DIR/client.jsonl" "$GUEST_ADDRESS" "$GUEST_PORT"
    CLIENT=$CHILD
}

# Lines for pair.env: \`nsenter --net=\$client_netns ping \$guest_address\`.
network_state() {
    local side
    for side in "${!NETNS[@]}"; do
        printf '%s_netns=%s\n' "$side" "/proc/${NETNS[$side]}/ns/net"
    done
    printf 'primary_address=%s\nsecondary_address=%s\n' "$PRIMARY_ADDRESS" "$SECONDARY_ADDRESS"
    printf 'guest_address=%s\nguest_port=%s\nclient_address=%s\n' "$GUEST_ADDRESS" "$GUEST_PORT" "$CLIENT_ADDRESS"
    printf 'client_pid=%s\nclient_log=%s\n' "$CLIENT" "$RUN_DIR/client.jsonl"
}
