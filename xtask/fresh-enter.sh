#!/bin/sh
# Mounts what a running Debian has, then becomes a plain user and runs one shell line in the clone.
# Runs in namespaces of its own, so that nothing stays mounted: fresh-enter.sh FOLDER USER LINE
# PASSED holds NAME=VALUE words for the environment, which is otherwise empty.
set -eu
folder=$1
user=$2
line=$3
mount -t proc proc "$folder/proc"
mount -t tmpfs -o mode=1777 tmpfs "$folder/dev/shm"
# PASSED is split into words on purpose.
# shellcheck disable=SC2086
exec chroot --userspec="$user" "$folder" /usr/bin/env -i HOME=/src LANG=C.UTF-8 TERM=dumb \
    PATH=/opt/rust/bin:/usr/bin:/bin $PASSED sh -c "cd /src/framebus && $line"
