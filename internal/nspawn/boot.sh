#!/usr/bin/env bash
# boot.sh DIR NAME SHARE: becomes systemd-nspawn with a systemd as its PID 1. DIR (on the host) is where the container's files are
# mounted, for this process only; SHARE is seen inside as /shared. The caller kills cgroup NAME to end it all.
set -eu
dir=$1 name=$2 share=$3

# Every hierarchy that nspawn looks at: the unified one, and systemd's named one on hybrid machines.
while read -r _ at type opts _; do
  case $type:$opts in cgroup2:* | cgroup:*name=systemd*) ;; *) continue ;; esac
  mkdir -p "$at/$name"
  echo $$ > "$at/$name/cgroup.procs"
done < /proc/mounts

export dir name share SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1
exec setsid unshare --mount --propagation private bash -euc '
  mount -t tmpfs -o size=1g,mode=755 nspawn "$dir"
  mkdir "$dir"/{upper,work,root}
  mount -t overlay overlay -o "lowerdir=/,upperdir=$dir/upper,workdir=$dir/work" "$dir/root"
  etc=$dir/root/etc
  # None of the host'"'"'s units, and none that want hardware, a network or logins.
  rm -rf "$etc/systemd/system"; mkdir -p "$etc/systemd/system" "$etc/systemd/system.conf.d"
  for unit in systemd-{timesyncd,pstore,udevd,udev-trigger,update-utmp,hwdb-update,firstboot,sysusers,binfmt,modules-load,sysctl,journal-flush,tmpfiles-setup,tmpfiles-setup-dev,remount-fs,logind,networkd,resolved,boot-system-token,update-done,random-seed}.service \
    ldconfig.service systemd-udevd-{kernel,control}.socket dev-hugepages.mount dev-mqueue.mount systemd-tmpfiles-clean.timer \
    systemd-ask-password-{console,wall}.path getty.target timers.target; do ln -s /dev/null "$etc/systemd/system/$unit"; done
  printf "[Unit]\nRequires=basic.target dbus.service\nAfter=basic.target dbus.service\nAllowIsolate=yes\n" > "$etc/systemd/system/test.target"
  printf "[Manager]\nDefaultTimeoutStopSec=5s\n" > "$etc/systemd/system.conf.d/test.conf"
  : > "$etc/fstab"; rm -f "$etc/machine-id"; echo uninitialized > "$etc/machine-id"
  rm -rf "$dir/root/var/log/journal" "$dir/root/var/lib/supd"
  mkdir -p /run/systemd/nspawn; mount -t tmpfs nspawn /run/systemd/nspawn
  exec systemd-nspawn --quiet --boot --directory="$dir/root" --private-network --register=no --keep-unit --link-journal=no \
    --machine="$name" --capability=all --console=pipe --bind="$share:/shared" -- --unit=test.target --show-status=no
'
