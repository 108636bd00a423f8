package api

import (
	"github.com/supd/supd/internal/who"
	"github.com/supd/supd/lockfile"
)

// Peer is who sent a request, as the kernel tells it, and what they may do.
// Owner.Name is filled in.
type Peer struct {
	who.Peer
	Role Role
}

func (p Peer) you() You {
	y := You{Name: p.Owner.Name, UID: p.UID, Session: p.Owner.Session, Role: p.Role.String()}
	y.LoginUID = loginUID(p.Owner.LoginUID)
	return y
}

// loginUID is nil for a process that belongs to no login.
func loginUID(id int64) *uint32 {
	if id == lockfile.NoLogin {
		return nil
	}
	u := uint32(id)
	return &u
}
