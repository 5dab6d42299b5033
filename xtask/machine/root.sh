#!/bin/bash
# Makes the file systems of the machines that the tests boot: FOLDER/base is a fresh Debian
# server, FOLDER/equipped a layer above it with more packages installed, and those packages also
# lie in base/opt/packages, from where apt installs them on a machine without a network.
#
# root.sh FOLDER, as root, in a mount namespace of its own (cargo xtask test --only machine), with
#   SUITE    release of Debian        FRESH      packages of a fresh server, by commas
#   MIRROR   where it comes from      EQUIPPED   those of the layer, by spaces
#   SOURCES  lines for sources.list
set -euo pipefail
folder=$1
base=$folder/base equipped=$folder/equipped root=$folder/root
export DEBIAN_FRONTEND=noninteractive LC_ALL=C

debootstrap --variant=minbase --include="$FRESH" "$SUITE" "$base" "$MIRROR"
printf '%s\n' "$SOURCES" > "$base/etc/apt/sources.list"
# Nothing starts while it is installed.
printf '#!/bin/sh\nexit 101\n' > "$base/usr/sbin/policy-rc.d"
chmod 755 "$base/usr/sbin/policy-rc.d"
cp -L /etc/resolv.conf "$base/etc/resolv.conf"
rm -f "$base"/var/cache/apt/archives/*.deb
chroot "$base" apt-get -q update

mkdir "$equipped" "$folder/work" "$root"
mount -t overlay overlay -o "lowerdir=$base,upperdir=$equipped,workdir=$folder/work" "$root"
mount -t proc proc "$root/proc"
# shellcheck disable=SC2086 # a list
chroot "$root" apt-get -q install -y --no-install-recommends $EQUIPPED
umount "$root/proc"
mkdir "$base/opt/packages"
mv "$root"/var/cache/apt/archives/*.deb "$base/opt/packages/"
umount "$root"
rm -rf "$folder/work" "$root"

(cd "$base/opt/packages" && dpkg-scanpackages --multiversion . > Packages)
echo 'deb [trusted=yes] file:/opt/packages ./' > "$base/etc/apt/sources.list"
rm -rf "$base"/var/lib/apt/lists/* "$base/usr/sbin/policy-rc.d"
chroot "$base" apt-get -q update
# A name server that does not answer would make many programs wait.
echo 'options timeout:1 attempts:1' > "$base/etc/resolv.conf"
# The journal outlives a restart.
mkdir -p "$base/var/log/journal"
# systemd-nspawn gives each start of a machine an id of its own, by a mount that services with a
# /proc of their own (ProtectProc= and others) do not see; `journalctl --follow` there would look
# for lines of another start. So all see the id of the host's kernel.
mkdir "$base/etc/systemd/system/systemd-journald.service.d"
cat > "$base/etc/systemd/system/systemd-journald.service.d/boot-id.conf" <<'END'
[Service]
ExecStartPre=-+/bin/umount /proc/sys/kernel/random/boot_id
END
: > "$base/etc/machine-id"
