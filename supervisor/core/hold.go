package core

import (
	"slices"
	"strings"
	"time"
)

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
	Target string   `json:"target,omitempty"`  // for a lock: what it was taken on
}

// HoldSpec is a hold that is to be written.
type HoldSpec struct {
	Kind   HoldKind `json:"kind"` // HoldOperatorStop or HoldRestartLimit
	By     string   `json:"by"`
	Reason string   `json:"reason"`
}

// String says who holds, since when and why: `held by alice since
// 2026-01-02T15:04:05Z (vacuum)`.
func (h Hold) String() string {
	by := h.By
	if by == "" {
		by = "somebody unknown"
	}
	t := "held by " + by
	if h.Kind == HoldUnreadable {
		t = "held because its lock state cannot be read"
	}
	if h.Since != 0 {
		t += " since " + time.Unix(0, h.Since).UTC().Format(time.RFC3339)
	}
	if h.Reason != "" {
		t += " (" + h.Reason + ")"
	}
	return t
}

// holdsText joins the holds of one service into one clause. What one person says twice is said once.
func holdsText(hs []Hold) string {
	var parts []string
	for _, h := range hs {
		if t := h.String(); !slices.Contains(parts, t) {
			parts = append(parts, t)
		}
	}
	if len(parts) == 0 {
		return "held" // the gate refused and named nobody
	}
	return strings.Join(parts, ", and ")
}

// HoldsText is holdsText for the shell's own answers.
func HoldsText(hs []Hold) string { return holdsText(hs) }

// holdsKey tells one set of holds from another.
func holdsKey(hs []Hold) string {
	var b strings.Builder
	for _, h := range hs {
		b.WriteString(string(h.Kind) + "/" + h.ID + " ")
	}
	return b.String()
}

// hasKind reports whether one of the holds is of one of the kinds.
func hasKind(hs []Hold, kinds ...HoldKind) bool {
	for _, h := range hs {
		if slices.Contains(kinds, h.Kind) {
			return true
		}
	}
	return false
}

// locksOf returns the holds that only a person can pass, if anybody.
func locksOf(hs []Hold) []Hold { return without(hs, HoldOperatorStop, HoldRestartLimit, HoldInterlock) }

// without returns the holds that are of none of the kinds.
func without(hs []Hold, kinds ...HoldKind) []Hold {
	var out []Hold
	for _, h := range hs {
		if !slices.Contains(kinds, h.Kind) {
			out = append(out, h)
		}
	}
	return out
}
