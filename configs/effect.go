package configs

import (
	"fmt"
	"slices"
	"strings"
)

// Effect says when a changed key is in force.
type Effect string

// The effects. What needs a restart is pending: the running process keeps the old value until its next start.
const (
	EffectNow     Effect = "now"
	EffectRestart Effect = "restart"      // of the service
	EffectSupd    Effect = "restart-supd" // read only when supd starts
)

// words are what becomes of a key, in the end of a sentence.
func (e Effect) words() string {
	switch e {
	case EffectRestart:
		return "restart needed"
	case EffectSupd:
		return "restart of supd needed"
	}
	return "applied at once"
}

// KeyChange is one key of a Change. From and To are TOML values without secrets, "" where the key is not there; both are
// the same where only a secret in them differs.
type KeyChange struct {
	Key    string `json:"key"`
	From   string `json:"from"`
	To     string `json:"to"`
	Effect Effect `json:"effect"`
}

// Words are the change of the key in one line.
func (k KeyChange) Words() string {
	switch {
	case k.From == "":
		return fmt.Sprintf("%s = %s is new", k.Key, k.To)
	case k.To == "":
		return fmt.Sprintf("%s = %s is gone", k.Key, k.From)
	case k.From == k.To: // both masked
		return k.Key + " changed"
	}
	return fmt.Sprintf("%s %s → %s", k.Key, k.From, k.To)
}

// detail fills a change from its Keys. The tables hold no secrets.
func (c *Change) detail(before, after flat, effect func(key string) Effect) {
	c.Details = []KeyChange{}
	for _, key := range c.Keys {
		k := KeyChange{Key: key, From: before[key], To: after[key], Effect: effect(key)}
		c.Details = append(c.Details, k)
		c.NeedsRestart = c.NeedsRestart || k.Effect != EffectNow
	}
	// What needs a restart comes first: it is what somebody has to do something about.
	var summary, text []string
	for _, e := range [...]Effect{EffectSupd, EffectRestart, EffectNow} {
		var keys, words []string
		for _, k := range c.Details {
			if k.Effect == e {
				keys, words = append(keys, k.Key), append(words, k.Words())
			}
		}
		if len(keys) > 0 {
			summary = append(summary, strings.Join(keys, ", ")+" changed: "+e.words())
			text = append(text, strings.Join(words, ", ")+": "+e.words())
		}
	}
	c.Summary, c.Text = strings.Join(summary, "; "), strings.Join(text, "; ")
}

// of makes it the change of a table that is no service's: keys say which table they are in.
func (c Change) of(table string) Change {
	c.Summary, c.Text = "["+table+"] "+c.Summary, "["+table+"] "+c.Text
	for i := range c.Keys {
		c.Keys[i] = table + "." + c.Keys[i]
		c.Details[i].Key = c.Keys[i]
	}
	return c
}

// filesNamedMax is how many files a change names; a glob may find thousands.
const filesNamedMax = 5

// appendFiles tells which files a reload would read that were not read before, and which no longer: an include that
// matches nothing any more is seen by that.
func appendFiles(out []Change, old, new *Plan) []Change {
	var words []string
	if more := missing(new.Files, old.Files); more != "" {
		words = append(words, "also reads "+more)
	}
	if less := missing(old.Files, new.Files); less != "" {
		words = append(words, "no longer reads "+less)
	}
	if len(words) == 0 || len(old.Files) == 0 {
		return out
	}
	text := strings.Join(words, "; ")
	return append(out, Change{Kind: Changed, Keys: []string{"include"}, Details: []KeyChange{}, Summary: text, Text: text})
}

// missing names the files that stand in one list and not in the other.
func missing(list, other []string) string {
	known := make(map[string]bool, len(other))
	for _, f := range other {
		known[f] = true
	}
	names := slices.DeleteFunc(slices.Clone(list), func(f string) bool { return known[f] })
	if more := len(names) - filesNamedMax; more > 0 {
		names = append(names[:filesNamedMax], fmt.Sprintf("%d more", more))
	}
	return strings.Join(names, ", ")
}
