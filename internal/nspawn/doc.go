// Package nspawn boots a real systemd of the tests' own: PID 1 of a container, over a copy-on-write view of the host's
// files that is gone with it. Needs root, Debian's systemd-container, overlayfs and a cgroup v2 mount, controllers or not.
//
//	test ── Container.Run("systemctl", …) ── nsenter ── systemd (PID 1) ── journald, dbus, the unit under test
//
// systemd-nspawn asks for cgroups where it finds its own, so boot.sh first moves into a fresh one. No network but the
// loopback, no unit of the host's enabled, no logins.
package nspawn
