// Package doctor finds what else on this host could act on a service, and says whether a lock on the service covers it.
//
// It reads the configs of other programs, bounded in number, size and time, and runs nothing that it finds. One file for
// each finder; what a finder cannot read is said, and never taken for "nothing there".
package doctor
