package api

import (
	"errors"
	"time"

	"github.com/supd/supd/internal/who"
	"github.com/supd/supd/lockfile"
)

// OfferOf makes what a transfer asks for: the heir, nil to withdraw. *Error with CodeNotFound for a user that nobody knows. Daemon
// and supctl without it use the same.
func (m MaintenanceTransfer) OfferOf(me lockfile.Owner) (*lockfile.Offer, error) {
	if m.Withdraw {
		return nil, nil
	}
	uid, name, err := who.Lookup(m.To)
	var unknown *who.UnknownUserError
	if errors.As(err, &unknown) {
		return nil, Errorf(CodeNotFound, "cannot offer the lock: %v", err).WithNext("--to takes a login name of this host, or a uid")
	}
	if err != nil {
		return nil, Errorf(CodeFailed, "cannot offer the lock: %v", err)
	}
	return &lockfile.Offer{Name: name, UID: uid, By: ownerName(me), At: time.Now().Round(time.Second), Note: m.Note}, nil
}

// Seen is what the request has seen of each lock, by id.
func (m MaintenanceTransfer) Seen() map[string]int {
	seen := map[string]int{}
	for _, l := range m.Locks {
		seen[l.ID] = l.Offers
	}
	return seen
}

// IDs are the locks to take over, and the ids of those that stand for them afterwards.
func (m MaintenanceAccept) IDs() (ids, newIDs []string) {
	for _, l := range m.Locks {
		ids, newIDs = append(ids, l.ID), append(newIDs, l.NewID)
	}
	return ids, newIDs
}
