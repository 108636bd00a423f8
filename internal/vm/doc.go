// Package vm is a small machine of the tests: Debian's kernel under qemu, without
// KVM, with an initramfs made of the built programs, and a disk that loses its
// cache when the power goes.
//
//	test ── Machine.Run("supctl", …) ── serial line ── guest (PID 1's child) ── supd, supctl
//	  │                                                   │ ext4
//	  └── Machine.Cut() ── kills qemu; Disk.Cut() ◄── NBD over a unix socket ── qemu's virtio disk
//
// A killed qemu alone is no power cut: what it wrote would live on in the host's
// page cache. So the disk is ours. It keeps every write in memory as volatile
// until the guest flushes, and a cut lets a random part of what was not flushed
// survive, sector by sector. The random numbers come from a seed.
package vm
