package lockfile

import "fmt"

// OfferError: a lock cannot be offered or accepted as asked. It stands as it was.
type OfferError struct {
	Lock Lock
	Why  string
}

func (e *OfferError) Error() string {
	return fmt.Sprintf("lock %s of %s on %s: %s", e.Lock.ID, e.Lock.Owner, e.Lock.Target, e.Why)
}
