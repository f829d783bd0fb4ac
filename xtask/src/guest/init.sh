#!/bin/busybox sh
# The guest's first and only process: mounts what programs expect, runs one command, says how it
# ended, and switches the machine off. `/guest/config` tells how, `/guest/command` what.

export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/busybox HOME=/root LANG=C.UTF-8
# Real tools come first on PATH; busybox fills the gaps.
/bin/busybox mkdir -p /proc /sys /dev /run /tmp /root /busybox /var/lib /mnt
/bin/busybox --install -s /busybox
ln -sf /run /var/run
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts /dev/shm /dev/virtio-ports
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /tmp
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t bpf bpf /sys/fs/bpf
mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null
mount -t debugfs debugfs /sys/kernel/debug 2>/dev/null
# Its device node asks for the module when it is opened, but only if it is there.
mkdir -p /dev/net
[ -e /dev/net/tun ] || mknod /dev/net/tun c 10 200
ln -s /proc/self/fd /dev/fd
ln -s /proc/self/fd/0 /dev/stdin
ln -s /proc/self/fd/1 /dev/stdout
ln -s /proc/self/fd/2 /dev/stderr
mkdir -p /run/netns /run/lock
hostname guest
ip link set lo up
# Kernels before 5.11 charge maps against this limit.
ulimit -l unlimited

. /guest/config

# Built in since 6.12.
modprobe -q virtio_pci
modprobe -q virtio_console
# Without udev, ports get their names here; they appear one by one while we already run.
tries=0
missing=$GUEST_PORTS
while [ -n "$missing" ]; do
    for port in /sys/class/virtio-ports/*; do
        [ -e "$port/name" ] && read -r name <"$port/name" && ln -sf "/dev/${port##*/}" "/dev/virtio-ports/$name"
    done
    missing=
    for name in $GUEST_PORTS; do
        [ -c "/dev/virtio-ports/$name" ] || missing="$missing $name"
    done
    [ -z "$missing" ] && break
    tries=$((tries + 1))
    if [ "$tries" -gt 400 ]; then
        echo "init: these ports to the host did not appear:$missing" >/dev/kmsg
        exit 1
    fi
    usleep 25000
done
exec 3>/dev/virtio-ports/status
echo ready >&3

cd /root
if [ -n "$GUEST_TERMINAL" ]; then
    export TERM="$GUEST_TERMINAL"
    # The size is lost whenever the last user of the console closes it: set within the session.
    start='stty sane rows "$GUEST_ROWS" cols "$GUEST_COLUMNS"; exec /bin/bash /guest/command'
    export GUEST_ROWS GUEST_COLUMNS
    setsid -c /bin/bash -c "$start" </dev/hvc0 >/dev/hvc0 2>&1 3>&-
    status=$?
else
    export TERM=dumb
    /bin/bash /guest/command </dev/null >/dev/virtio-ports/out 2>/dev/virtio-ports/err 3>&-
    status=$?
fi
echo "exit $status" >&3
poweroff -f
