#!/bin/sh
# Runs a command as the image would: in a root of its own that can't be written to, as the image's user,
# with no way to become another. Everything is mounted in a namespace that ends with the process.
#
# Usage: enter_image.sh ROOT OPT DATA USER WORKDIR OUTSIDE... -- COMMAND...
#   ROOT     an empty directory        OPT   becomes /opt      DATA  becomes /data, the only volume
#   OUTSIDE  files and directories of this machine that are needed too, at their own path or, written
#            FROM=AT, at another (Python, the dependencies, the sandbox's CA)
set -eu
root=$1 opt=$2 data=$3 user=$4 workdir=$5
shift 5

show() { # FROM AT [ro|rw]
    if [ -d "$1" ]; then mkdir -p "$root$2"; else mkdir -p "$root$(dirname "$2")" && : > "$root$2"; fi
    mount --bind "$1" "$root$2"
    mount -o "remount,bind,${3:-ro},nosuid" "$root$2"
}

mount -t tmpfs -o mode=755 image "$root"
for one in /bin /sbin /lib /lib64; do
    if [ -L "$one" ]; then cp -a "$one" "$root$one"; elif [ -d "$one" ]; then show "$one" "$one"; fi
done
for one in /usr /etc; do show "$one" "$one"; done
for one in null urandom random; do show "/dev/$one" "/dev/$one" rw; done
mkdir "$root/proc" "$root/tmp"
mount --rbind /proc "$root/proc"
mount -t tmpfs -o mode=1777,nosuid,nodev tmp "$root/tmp"
show "$opt" /opt
show "$data" /data rw
while [ "$1" != -- ]; do show "${1%=*}" "${1#*=}"; shift; done
shift
mount -o remount,ro "$root"
exec chroot "$root" setpriv --reuid "${user%:*}" --regid "${user#*:}" --clear-groups \
    --no-new-privs --bounding-set=-all --inh-caps=-all -- env -C "$workdir" "$@"
