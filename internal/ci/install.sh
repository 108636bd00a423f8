#!/usr/bin/env bash
# Installs the Debian packages that the tests talk to. Quick and silent when
# everything is there; otherwise needs root or sudo. Says plainly what it could
# not install and fails: a missing part is a failed run, never a skipped test.
set -u

# PROGRAM (a path may be a glob)             PACKAGE          WHAT FOR
needs='
/usr/lib/postgresql/*/bin/postgres           postgresql       the database end to end
redis-server                                 redis-server     the same with Redis
redis-cli                                    redis-tools      stopping Redis by its own means
promtool                                     prometheus       judging the metrics page
systemd-analyze                              systemd          judging the unit file
setpriv                                      util-linux       running a test as somebody else
ps                                           procps           looking at processes from outside
curl                                         curl             talking HTTP over the unix socket
git                                          git              the version in the programs
gcc                                          gcc              the race detector
/usr/include/stdlib.h                        libc6-dev        the race detector
'

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

packages=$(missing | tr '\n' ' ')
[ -z "$packages" ] && exit 0

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

say "installing $packages"
log=$(mktemp)
apt() { $root env DEBIAN_FRONTEND=noninteractive apt-get -y -q -o Dpkg::Use-Pty=0 "$@" >>"$log" 2>&1; }
apt update || say "apt-get update failed; going on with the lists that are there"
if ! apt install --no-install-recommends $packages; then
  for package in $packages; do # one that is not to be had must not keep the others away
    apt install --no-install-recommends "$package" || say "could not install $package"
  done
fi
if [ -n "$(missing)" ]; then
  tail -n 20 "$log" >&2
  give_up "apt-get's last words are above"
fi
rm -f "$log"
