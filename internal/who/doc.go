// Package who tells who a process belongs to, from what the kernel says and
// never from what the process says about itself: the audit login uid and
// session survive sudo and su, the socket's peer credentials cannot be forged,
// and a pidfd keeps a recycled pid from being taken for the peer.
package who
