#!/bin/bash
# Makes a layer with more packages above the file system of a fresh server that root.sh made.
#
# layer.sh FOLDER NAME, as root, in a mount namespace of its own, with
#   PACKAGES  by spaces        SOURCES  lines for sources.list
set -euo pipefail
folder=$1 name=$2
base=$folder/base layer=$folder/$name root=$folder/$name.root work=$folder/$name.work
export DEBIAN_FRONTEND=noninteractive LC_ALL=C

rm -rf "$layer" "$work" "$root"
mkdir "$layer" "$work" "$root"
mount -t overlay overlay -o "lowerdir=$base,upperdir=$layer,workdir=$work" "$root"
mount -t proc proc "$root/proc"
printf '%s\n' "$SOURCES" > "$root/etc/apt/sources.list"
# Nothing starts while it is installed.
printf '#!/bin/sh\nexit 101\n' > "$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
cp -L /etc/resolv.conf "$root/etc/resolv.conf"
chroot "$root" apt-get -q update
# shellcheck disable=SC2086 # a list
chroot "$root" apt-get -q install -y --no-install-recommends $PACKAGES
rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
rm "$root/usr/sbin/policy-rc.d"
# As it was: the machine has no network, and finds packages on its own disk.
cp "$base/etc/apt/sources.list" "$root/etc/apt/sources.list"
cp "$base/etc/resolv.conf" "$root/etc/resolv.conf"
chroot "$root" apt-get -q update
umount "$root/proc"
umount "$root"
rm -rf "$work" "$root"
