package e2e

import "testing"

// What a lock on a group covered once it goes on covering, whatever becomes of the group and of names: a service that a reload added
// to the group as one that was in it when the lock was taken.
func TestCoverageByAGroupSurvivesTheGroupAndTheName(t *testing.T) {
	t.Parallel()
	// Each service is known again under another name by what it runs.
	named := func(name, runs string) string {
		return "[service." + name + "]\ncommand = [\"" + programs.self + "\", \"witness\", \"-log\", \"$DIR/" + runs + ".log\"]\nready = \"delay:1ms\"\n"
	}
	group := func(member string) string { return "[group.g]\nservices = [\"" + member + "\"]\n" }
	d := started(t, quick+named("db", "db")+named("db2", "db2")+group("db"))
	d.up("db", "db2")
	d.ctl("maintenance", "start", "@g").wants(t, 0)
	id := d.locks()[0].ID
	held := func(when string, names ...string) {
		t.Helper()
		for _, n := range names {
			if r := d.ctl("maintenance", "check", n); r.Code != 4 {
				t.Errorf("%s: %s has exit code %d: %s", when, n, r.Code, r.both())
			}
		}
		d.ctl("maintenance", "show", id).wants(t, 0, names...)
	}
	d.config(quick + named("db", "db") + named("db2", "db2") + group("db2"))
	d.ctl("reload").wants(t, 0)
	held("a service came to the group", "db", "db2")
	d.config(quick + named("db", "db") + named("db2", "db2"))
	d.ctl("reload").wants(t, 0)
	held("the group went", "db", "db2")
	d.config(quick + named("db", "db") + named("dbx", "db2"))
	d.kill9()
	d.start()
	held("the service was renamed", "db", "dbx")
	d.ctl("maintenance", "end", "@g", "--force").wants(t, 0) // db2 still runs in the place of dbx
	for _, n := range []string{"db", "dbx"} {
		d.ctl("maintenance", "check", n).wants(t, 0, "free")
	}
}

// The group goes and the name changes while no supd runs: the next one knows by the last plan whom the lock covered.
func TestCoverageByAGroupSurvivesAChangeBehindADeadSupd(t *testing.T) {
	t.Parallel()
	named := func(name, runs string) string {
		return "[service." + name + "]\ncommand = [\"" + programs.self + "\", \"witness\", \"-log\", \"$DIR/" + runs + ".log\"]\nready = \"delay:1ms\"\n"
	}
	d := started(t, quick+named("db", "db")+named("db2", "db2")+"[group.g]\nservices = [\"db\"]\n")
	d.up("db", "db2")
	d.ctl("maintenance", "start", "@g").wants(t, 0)
	d.config(quick + named("db", "db") + named("db2", "db2") + "[group.g]\nservices = [\"db2\"]\n")
	d.ctl("reload").wants(t, 0)
	d.kill9()
	d.config(quick + named("db", "db") + named("dbx", "db2"))
	d.start()
	d.ctl("maintenance", "check", "dbx").wants(t, 4)
	d.ctl("maintenance", "check", "db").wants(t, 4)
}
