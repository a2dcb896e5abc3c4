#!/bin/sh
# Runs a container's command as an engine would with --read-only and one volume, where no engine can run:
#   run_container.sh ROOT DATA USER COMMAND..; the environment is passed on as it is.
# ROOT is the mounted image, DATA the folder at /data, the only one that USER (uid:gid) may write to.
set -eu
root=$1 data=$2 user=$3
shift 3
if [ "${INSIDE:-}" != yes ]; then
    INSIDE=yes exec unshare --mount --pid --fork --kill-child --propagation private "$0" "$root" "$data" "$user" "$@"
fi
unset INSIDE
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
mount --bind "$data" "$root/data"
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
exec chroot --userspec="$user" "$root" "$@"
