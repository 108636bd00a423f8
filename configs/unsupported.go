package configs

// unsupported are documented keys whose feature this version does not have.
// They are refused, never ignored: a limit that nobody enforces is worse than
// an error. Building a feature ends with deleting its rows.
var unsupported = [...]struct {
	table   string // "" is the top level
	key     string
	feature string
}{
	{"", "alert", "alerts"},

	{"service", "unit", "systemd units"},
	{"service", "refuse_stop", "systemd units"},
	{"service", "pidfile", "daemons that put themselves in the background"},
	{"service", "match", "daemons that put themselves in the background"},
	{"service", "start_command", "daemons that put themselves in the background"},
	{"service", "stop_command", "daemons that put themselves in the background"},
}

// refuse notes the keys of a table that are documented but not built, and
// returns the names of all such keys.
func (c *collector) refuse(p place, table string, have map[string]any) []string {
	var keys []string
	for _, u := range unsupported {
		if u.table != table {
			continue
		}
		keys = append(keys, u.key)
		if _, ok := have[u.key]; ok {
			// The feature in words, so that "match" is not taken for a bug.
			c.add(p.key(u.key), "is not supported by this version (%s)", u.feature)
		}
	}
	return keys
}
