package api

// Peer is who sent a request, as the kernel tells it.
type Peer struct {
	UID    uint32 // effective, at connect
	GID    uint32
	Groups []uint32 // supplementary
	PID    int
	Role   Role
}
