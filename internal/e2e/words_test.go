package e2e

import "testing"

// What is about one service refuses a group instead of answering for one of its members.
func TestShowOfAGroupNamesTheWayToSeeItsMembers(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("db", "")+service("web", "")+"\n[group.site]\nservices = [\"db\", \"web\"]\n")
	for _, verb := range []string{"show", "explain", "logs"} {
		d.ctl(verb, "@site").wants(t, 2, `"@site": it is 2 services`, "supctl status @site")
	}
	d.ctl("show", "db").wants(t, 0)
}
