package e2e

import (
	"strconv"
	"strings"
	"testing"
)

// quiet fails if a command says words.
func (r result) quiet(t testing.TB, words string) {
	t.Helper()
	if strings.Contains(r.Out+r.Err, words) {
		t.Errorf("%s says %q:\n%s%s", r.Argv, words, r.Out, r.Err)
	}
}

// Rows 12 and 13: people are told what became of their locks, once, whatever happened to supd since; and history knows it.
func TestRow12_WhoseLockItWasIsToldOnce(t *testing.T) {
	needsRoot(t)
	t.Parallel()
	d := started(t, quick+service("db", "")+service("web", ""))
	d.up("db", "web")
	ann, ben := d.login(4001001, 0), d.login(4001002, 0)
	annToo := d.login(4001001, 0) // perhaps somebody else who shares the account
	ann.ctl("maintenance", "start", "db", "-m", "disk").wants(t, 0)
	id := d.locks()[0].ID
	ben.ctl("maintenance", "break", id, "-m", "ann is on a plane", "--yes").wants(t, 0)
	d.kill9()
	d.start()
	d.up("db")
	ann.ctl("status", "-q").quiet(t, "broken")
	ann.ctl("status", "-o", "json").quiet(t, "broken")
	ben.ctl("status").quiet(t, "your lock")
	if r := ann.ctl("status"); !strings.Contains(r.Err, "your lock on db (disk) was broken by uid 4001002") || !strings.Contains(r.Err, "on a plane") {
		t.Errorf("ann is told: %q", r.Err)
	}
	d.kill9()
	d.start()
	ann.ctl("status").quiet(t, "broken")
	if r := annToo.ctl("status"); !strings.Contains(r.Err, "your lock on db (disk) was broken by uid 4001002") {
		t.Errorf("ann's other session is told: %q", r.Err)
	}
	annToo.ctl("status").quiet(t, "broken")

	// An offer is told to the heir, its acceptance to who offered it, also where no supd runs.
	ben.ctl("maintenance", "transfer", "db", "--to", "4001001").wants(t, 0)
	if r := ann.ctl("status"); !strings.Contains(r.Err, "supctl maintenance accept db") {
		t.Errorf("ann is not told of the offer: %q", r.Err)
	}
	ann.ctl("status").quiet(t, "accept db")
	d.kill9()
	ann.ctl("maintenance", "accept", "db").wants(t, 0)
	if r := ben.ctl("maintenance", "list"); !strings.Contains(r.Err, "uid 4001001 accepted your lock on db") {
		t.Errorf("ben is not told: %q", r.Err)
	}
	ben.ctl("maintenance", "list").quiet(t, "accepted your lock")
	ann.ctl("maintenance", "history", "db").wants(t, 0, "break", "transfer", "on a plane")
	d.start()
	ann.ctl("maintenance", "end", "db", "--force").wants(t, 0)
	r := ann.ctl("maintenance", "start", "web", "--for", "10ms") // may itself end later than that, and say so
	r.wants(t, 0)
	eventually(t, "ann is told that it is overdue", func() string {
		if strings.Contains(r.Err, "overdue and goes on holding") {
			return ""
		}
		if r = ann.ctl("status"); !strings.Contains(r.Err, "overdue and goes on holding") {
			return strconv.Quote(r.Err)
		}
		return ""
	})
	ann.ctl("status").quiet(t, "goes on holding")
	ann.ctl("maintenance", "end", "web").wants(t, 0)

	var reply struct {
		Locks []struct {
			Target, Owner, How, By, Note, Reason string
			DurationS                            float64 `json:"duration_s"`
		}
	}
	d.decode(&reply, "maintenance", "history", "db").wants(t, 0)
	var hows []string
	for _, l := range reply.Locks {
		hows = append(hows, l.Owner+" "+l.How+" "+l.By)
		if l.DurationS <= 0 || l.Target != "db" {
			t.Errorf("%+v", l)
		}
	}
	const want = "uid 4001001 break uid 4001002, uid 4001002 transfer uid 4001001, uid 4001001 force uid 4001001"
	if got := strings.Join(hows, ", "); got != want {
		t.Errorf("history is %q, want %q", got, want)
	}
	ann.ctl("maintenance", "history", "db", "--since", "1ms").wants(t, 0, "no locks")
}
