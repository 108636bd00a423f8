package core

// HoldKind says what sort of thing holds a service.
type HoldKind string

// The kinds. Locks, operator stops and restart limits are files that the shell
// reads; an interlock lives in the core; unreadable is how the shell reports
// lock state that it could not read.
const (
	HoldLock         HoldKind = "lock"
	HoldOperatorStop HoldKind = "operator-stop"
	HoldInterlock    HoldKind = "interlock"
	HoldRestartLimit HoldKind = "restart-limit"
	HoldUnreadable   HoldKind = "unreadable"
)

// Hold is one reason why supd does not act on a service.
type Hold struct {
	Kind   HoldKind `json:"kind"`
	ID     string   `json:"id,omitempty"`      // file's id; for an interlock the check's name
	By     string   `json:"by,omitempty"`      // who, in words: user, check, "supd"
	Reason string   `json:"reason,omitempty"`  // why, in that person's words
	Since  int64    `json:"since,omitempty"`   // unix ns; the core only prints it, never compares it
	LockID string   `json:"lock_id,omitempty"` // for a lock
}

// HoldSpec is a hold that is to be written.
type HoldSpec struct {
	Kind   HoldKind `json:"kind"` // HoldOperatorStop or HoldRestartLimit
	By     string   `json:"by"`
	Reason string   `json:"reason"`
}
