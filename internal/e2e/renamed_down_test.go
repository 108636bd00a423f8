package e2e

import "testing"

// TestRenamedWhileDown: a service is renamed while it is stopped. It stays stopped under its new name until somebody starts it; then
// the old one, which supd still knows, is not started beside it.
func TestRenamedWhileDown(t *testing.T) {
	// Both names run the same witness, with one log, which notes two at once.
	named := func(name string) string {
		return quick + "[service." + name + "]\ncommand = [\"" + programs.self + "\", \"witness\", \"-log\", \"$DIR/db.log\"]\n" +
			"autostart = true\nready = \"delay:1ms\"\n"
	}
	d := started(t, named("db"))
	d.up("db")
	d.ctl("stop", "db").wants(t, 0)
	d.config(named("data"))
	d.ctl("reload").wants(t, 0)
	d.waitHold("data", "operator-stop")
	d.unchanged("what somebody stopped was started under another name", "db")
	d.ctl("start", "data").wants(t, 0)
	d.up("data")
	d.ctl("start", "db").wants(t, 1, "data")
	d.unchanged("db was started beside data", "db")
	d.waitStarts("db", 2)
}
