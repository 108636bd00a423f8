package api

import (
	"errors"
	"fmt"
	"time"

	"github.com/supd/supd/internal/who"
	"github.com/supd/supd/lockfile"
)

// OfferOf makes what a transfer asks for: the heir, nil to withdraw. *Error with CodeNotFound for a user that nobody knows, with
// CodeUsage for one who cannot take anything over. Daemon and supctl without it use the same.
func (m MaintenanceTransfer) OfferOf(me lockfile.Owner) (*lockfile.Offer, error) {
	if m.Withdraw {
		return nil, nil
	}
	const next = "--to takes a login name of this host, or a uid"
	uid, name, err := who.Lookup(m.To)
	var unknown *who.UnknownUserError
	if errors.As(err, &unknown) {
		return nil, Errorf(CodeNotFound, "cannot offer the lock: %v", err).WithNext(next)
	}
	if err != nil {
		return nil, Errorf(CodeFailed, "cannot offer the lock: %v", err)
	}
	switch uid {
	case lockfile.NoLogin:
		return nil, Errorf(CodeUsage, "cannot offer the lock: %d is the kernel's number for no login, and nobody's uid", uid).WithNext(next)
	case me.Person():
		return nil, Errorf(CodeUsage, "cannot offer the lock to %s: that is you", name).WithNext(next + "; your other sessions, and who shares your account, may extend and end it already")
	}
	return &lockfile.Offer{Name: name, UID: uid, By: ownerName(me), At: time.Now().Round(time.Second), Note: m.Note}, nil
}

// OfferNotes are what who made an offer should know of the heir; none for a user of this host.
func OfferNotes(heir *lockfile.Offer) []string {
	if heir == nil || heir.Name != who.Unnamed(heir.UID) {
		return []string{}
	}
	return []string{fmt.Sprintf("this host knows no user with uid %d: only who logs in with that number can accept; supctl maintenance transfer --withdraw takes the offer back", heir.UID)}
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
