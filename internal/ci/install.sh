#!/usr/bin/env bash
# Installs the Debian packages that the tests talk to. Quick and silent when
# everything is there; otherwise needs root or sudo. Says plainly what it could
# not install and fails: a missing part is a failed run, never a skipped test.
set -u

# PROGRAM (a path may be a glob)             PACKAGE          WHAT FOR
needs=$(cat <<'END'
/usr/lib/postgresql/*/bin/postgres           postgresql       the database end to end
redis-server                                 redis-server     the same with Redis
redis-cli                                    redis-tools      stopping Redis by its own means
promtool                                     prometheus       judging the metrics page
systemd-analyze                              systemd          judging the unit file
/lib/systemd/systemd-journald                systemd          the journal end to end
nsenter                                      util-linux       starting supd where that journal is
systemd-nspawn                               systemd-container booting a systemd of the tests' own
dbus-daemon                                  dbus             that systemd's bus
setpriv                                      util-linux       running a test as somebody else
ps                                           procps           looking at processes from outside
monit                                        monit            judging what is read of other supervisors
supervisord                                  supervisor       the same
curl                                         curl             talking HTTP over the unix socket
git                                          git              the version in the programs
gcc                                          gcc              the race detector
/usr/include/stdlib.h                        libc6-dev        the race detector
qemu-system-x86_64                           qemu-system-x86  a machine whose power can be cut
mkfs.ext4                                    e2fsprogs        its disk
END
)

# install.sh peers: what the benchmark compares supd with, where it is wanted.
[ "${1:-}" = peers ] && needs=$(cat <<'END'
runsvdir                                     runit            the benchmark
svscan                                       daemontools      the benchmark
s6-svscan                                    s6               the benchmark
supervisord                                  supervisor       the benchmark
monit                                        monit            the benchmark
cc                                           gcc              the program that is supervised in the benchmark
END
)

: "${needs:?is empty: the list above cannot be read}"

there() {
  case $1 in
    /*) for f in $1; do [ -e "$f" ] && return 0; done; return 1 ;;
    *) command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ] ;;
  esac
}

# missing prints the packages whose program is not there.
missing() {
  while read -r program package _; do
    [ -n "$program" ] && ! there "$program" && echo "$package"
  done <<< "$needs" | sort -u
}

say() { echo "install: $*" >&2; }

give_up() {
  say "the tests need what is not there:"
  while read -r program package purpose; do
    [ -n "$program" ] && ! there "$program" && say "  $program (Debian package $package): $purpose"
  done <<< "$needs"
  say "$1"
  exit 1
}

# The kernel of the tests' machines is unpacked and not installed: no boot loader
# hears of it, and the host's own kernel stays what it is.
kernel_dir=/var/cache/supd-tests/kernel
kernel_there() { [ -n "$(ls $kernel_dir/boot/vmlinuz-* 2>/dev/null)" ]; }

# Tests name processes by pid here and there. With the kernel's 32,768 pids a busy
# run meets a number again within minutes; systemd raises the limit so, too.
pids=/proc/sys/kernel/pid_max pids_most=4194304
[ -w $pids ] && [ "$(cat $pids)" -lt $pids_most ] && echo $pids_most >$pids

packages=$(missing | tr '\n' ' ')
[ -z "$packages" ] && kernel_there && exit 0

command -v apt-get >/dev/null || give_up "this is no Debian; install them by your system's means and run it again"
if [ "$(id -u)" = 0 ]; then
  root=""
elif sudo -n true 2>/dev/null || { [ -t 0 ] && sudo true; }; then
  root=sudo
else
  give_up "run as root, or with sudo: apt-get install $packages"
fi

# Debian starts the servers that it installs; the tests start their own. A
# policy that says no is Debian's own way; ours is taken away again, and one
# that somebody else put there is left alone.
policy=/usr/sbin/policy-rc.d
mark="# put here by supd's tests while they install packages"
unpolice() { grep -qsF "$mark" $policy && $root rm -f $policy; true; }
unpolice # of a run that was killed
trap unpolice EXIT
[ -e $policy ] || printf '#!/bin/sh\n%s\nexit 101\n' "$mark" | $root sh -c "cat > $policy && chmod 755 $policy"

say "installing $packages$(kernel_there || echo 'and a kernel for virtual machines')"
log=$(mktemp)
apt() { $root env DEBIAN_FRONTEND=noninteractive apt-get -y -q -o Dpkg::Use-Pty=0 "$@" >>"$log" 2>&1; }
apt update || say "apt-get update failed; going on with the lists that are there"
if [ -n "$packages" ] && ! apt install --no-install-recommends $packages; then
  for package in $packages; do # one that is not to be had must not keep the others away
    apt install --no-install-recommends "$package" || say "could not install $package"
  done
fi
if [ -n "$(missing)" ]; then
  tail -n 20 "$log" >&2
  give_up "apt-get's last words are above"
fi
fetch_kernel() (
  work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT && cd "$work" || exit 1
  package=$(apt-cache depends linux-image-cloud-amd64 | awk '/Depends: linux-image/ { print $2; exit }')
  apt-get download "$package" && dpkg -x linux-image-*.deb kernel &&
    $root mkdir -p "${kernel_dir%/*}" && $root rm -rf $kernel_dir && $root mv kernel $kernel_dir
)
if ! kernel_there && ! fetch_kernel >>"$log" 2>&1; then
  tail -n 20 "$log" >&2
  give_up "could not fetch the kernel package of linux-image-cloud-amd64"
fi
rm -f "$log"
