package e2e

import "testing"

// Who holds what is said wherever it matters, and nothing is named that would be refused.
func TestRefusalsUnderLocks(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("db", "autostart = false\n")+service("web", "autostart = false\ndepends_on = [\"db\"]\non_reload = \"signal:HUP\"\n")+
		"\n[service.report]\ncommand = [\"/bin/true\"]\noneshot = true\nautostart = false\nschedule = \"cron: 0 3 * * *\"\n")
	alice, bob := d.login(700041, 0), d.login(700042, 0)
	alice.ctl("maintenance", "start", "web", "report", "-m", "page").wants(t, 0)
	bob.ctl("maintenance", "start", "db", "-m", "index").wants(t, 0)
	alice.ctl("start", "web").wants(t, 4, `it needs "db", held by uid 700042`, `"web" itself is held by uid 700041`)
	bob.ctl("reload", "web").wants(t, 4, "held by uid 700041")
	bob.ctl("signal", "HUP", "web").wants(t, 4, "held by uid 700041")
	alice.ctl("reload", "web").wants(t, 1, "it does not run")
	alice.ctl("explain", "report").wants(t, 0, "a run whose time comes while it is held is left out", "next: its time comes (left out while it is held)")
	alice.ctl("maintenance", "end", "report", "--leave-stopped").wants(t, 0)
	d.ctl("start", "report").wants(t, 0)
	d.ctl("explain", "report").wants(t, 0, "next: is run at")
}
