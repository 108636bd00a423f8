package api

import (
	"slices"
	"time"

	"github.com/supd/supd/internal/journal"
	"github.com/supd/supd/lockfile"
)

// PastLock is a lock that is over.
type PastLock struct {
	ID        string    `json:"id"`
	Target    string    `json:"target"`
	Owner     string    `json:"owner"`
	Reason    string    `json:"reason"`
	Ticket    string    `json:"ticket"`
	Since     time.Time `json:"since"`
	Ended     time.Time `json:"ended"`
	DurationS float64   `json:"duration_s"`
	How       string    `json:"how"`  // end, force (without a try-out), break, transfer; "" = not known
	By        string    `json:"by"`   // who ended it
	Note      string    `json:"note"` // what they said, such as the reason of a break
}

// HistoryReply is `maintenance history -o json`, oldest end first.
type HistoryReply struct {
	Locks []PastLock `json:"locks"`
	Notes []string   `json:"notes"` // what could not be read
}

// History joins the tombstones, which know of locks that were ended without the daemon too and are kept for a while, with the
// record, which is kept for longer. targets: those on them or covering them (none = all). Daemon and supctl without it use the same.
func History(ended []lockfile.Lock, events []journal.Event, targets []string, since time.Time) []PastLock {
	past := map[string]PastLock{}
	for _, e := range events {
		if p, ok := pastOfEvent(e); ok && (len(targets) == 0 || slices.Contains(targets, p.Target) || p.Target == "--all") {
			past[p.ID] = p
		}
	}
	for _, l := range ended {
		if l.Ended == nil || len(targets) > 0 && !slices.ContainsFunc(targets, func(t string) bool { return touches(l, t) }) {
			continue
		}
		how := l.Ended.How
		if l.Ended.Force && how == "end" {
			how = "force"
		}
		past[l.ID] = PastLock{ID: l.ID, Target: l.Target.String(), Owner: ownerName(l.Owner), Reason: l.Reason, Ticket: l.Ticket,
			Since: l.TakenAt, Ended: l.Ended.At, How: how, By: ownerName(l.Ended.By), Note: l.Ended.Note}
	}
	out := []PastLock{}
	for _, p := range past {
		if p.Ended.Before(since) {
			continue
		}
		if !p.Since.IsZero() {
			p.DurationS = max(0, p.Ended.Sub(p.Since).Seconds())
		}
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b PastLock) int { return a.Ended.Compare(b.Ended) })
	return out
}

// touches says whether a lock was on a target or covered it.
func touches(l lockfile.Lock, target string) bool {
	_, member := l.Members[target]
	return member || l.Target.Kind == lockfile.TargetHost || l.Target.String() == target
}

// pastOfEvent reads the end of a lock from the record.
func pastOfEvent(e journal.Event) (PastLock, bool) {
	p := PastLock{ID: e.Fields["lock_id"], Target: e.Fields["target"], Owner: e.Fields["owner"], Reason: e.Fields["reason"], Ticket: e.Fields["ticket"],
		Ended: e.Time, By: e.Fields["by"], Note: e.Fields["note"]}
	switch e.Type {
	case "maintenance.ended":
		p.How = "end"
		if e.Fields["forced"] == "true" {
			p.How = "force"
		}
	case "maintenance.broken":
		p.How, p.ID = "break", e.Fields["replaces"]
	case "maintenance.transferred":
		p.How = "transfer"
	default:
		return p, false
	}
	p.Since, _ = time.Parse(time.RFC3339Nano, e.Fields["since"]) // unknown: zero
	return p, p.ID != ""
}
