package configs

// ChangeKind says what became of a service between two plans.
type ChangeKind string

// The kinds. A renamed service is one removed and one added; both Texts say so
// when the identity is the same.
const (
	Added   ChangeKind = "added"
	Removed ChangeKind = "removed"
	Changed ChangeKind = "changed"
)

// Change is the difference of one service between two plans.
type Change struct {
	Service      string     `json:"service"`
	Kind         ChangeKind `json:"kind"`
	Keys         []string   `json:"keys"`          // changed keys, such as "command", "restart.policy", "check.ping.every"
	NeedsRestart bool       `json:"needs_restart"` // the running process keeps the old values until its next start
	SameAs       string     `json:"same_as"`       // added, removed: the other name of the same command line, "" if none
	Text         string     `json:"text"`          // in words, without secrets
}

// Diff tells what a reload from old to new would mean for each service, by
// name. A nil old plan has no services. Changes of [daemon], [api],
// [maintenance], groups and standalone checks have Service "" and name their
// keys, such as "daemon.state_dir" or "group.web.services".
func Diff(old, new *Plan) []Change { return nil }
