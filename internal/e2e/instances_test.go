package e2e

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// instances is the config of n witnesses web@1 … web@n, each with a log of its own.
func instances(n int, more string) string {
	text := service("web", fmt.Sprintf("instances = %d\nenv = { NUMBER = \"${instance}\" }\n%s", n, more))
	return strings.Replace(text, "/web.log", "/web@${instance}.log", 1)
}

// A lock on web holds the instances that come while it is held: nobody has to think of it.
func TestInstancesAddedUnderALock(t *testing.T) {
	t.Parallel()
	d := started(t, quick+instances(2, "")+"[group.front]\nservices = [\"web\"]\n")
	d.up("web@1", "web@2")
	d.ctl("maintenance", "start", "web").wants(t, 0)

	d.config(quick + instances(4, "") + "[group.front]\nservices = [\"web\"]\n")
	d.ctl("reload").wants(t, 0)
	for _, name := range []string{"web@3", "web@4"} {
		if s := d.waitHold(name, "lock"); s.State != "down" {
			t.Errorf("%s is %s", name, s.State)
		}
	}
	d.shoot("web@1", syscall.SIGKILL)
	d.waitState("web@1", "down")
	d.unchanged("locked as web", "web@1", "web@2", "web@3", "web@4")
	d.ctl("maintenance", "check", "web@4").wants(t, 4)
	d.ctl("maintenance", "check", "@front").wants(t, 4)

	// Neither a new supd nor a supctl without one makes a difference.
	d.kill9()
	d.ctl("maintenance", "check", "web@3").wants(t, 4)
	d.start()
	d.unchanged("locked as web, after kill -9", "web@1", "web@2", "web@3", "web@4")

	d.ctl("maintenance", "end", "web", "--start").wants(t, 0)
	d.up("web@1", "web@2", "web@3", "web@4")
	if n := len(d.starts("web@2")); n != 1 {
		t.Errorf("web@2 was started %d times", n)
	}
}

// Without the daemon a lock on web is one on all its instances, also on those that it has never seen.
func TestInstancesLockedWithoutTheDaemon(t *testing.T) {
	t.Parallel()
	d := started(t, quick+instances(1, ""))
	d.up("web@1")
	d.kill9()
	d.config(quick + instances(2, ""))
	d.ctl("maintenance", "start", "web").wants(t, 0)
	d.start()
	if s := d.waitHold("web@2", "lock"); s.State != "down" {
		t.Errorf("web@2 is %s", s.State)
	}
	d.unchanged("locked before supd knew it", "web@2")
}

// Fewer instances: those that are too many go on until somebody says so, and the others are repaired meanwhile.
func TestInstancesFewer(t *testing.T) {
	t.Parallel()
	d := started(t, quick+instances(3, ""))
	d.up("web@1", "web@2", "web@3")
	d.config(quick + instances(1, ""))
	d.ctl("reload").wants(t, 0)
	if s := d.status("web@3"); !s.Orphaned || s.State != "up" {
		t.Fatalf("web@3: %+v", s)
	}
	d.shoot("web@1", syscall.SIGKILL)
	d.waitStarts("web@1", 2)
	d.up("web@1")

	// An orphan is covered by a lock on its name as well.
	d.ctl("maintenance", "start", "web").wants(t, 0)
	d.ctl("maintenance", "check", "web@3").wants(t, 4)
	d.ctl("maintenance", "end", "web").wants(t, 0)
	d.ctl("reload", "--apply").wants(t, 0)
	var names []string
	for name := range d.all() {
		names = append(names, name)
	}
	if !slices.Equal(names, []string{"web@1"}) {
		t.Errorf("left: %q", names)
	}
}

// web as a target is all of them, as a prerequisite as well.
func TestInstancesAsTargetAndPrerequisite(t *testing.T) {
	t.Parallel()
	d := started(t, quick+instances(2, "")+service("front", "depends_on = [\"web\"]\n"))
	d.up("web@1", "web@2", "front")
	for _, name := range []string{"web@1", "web@2", "front"} {
		d.waitStarts(name, 1)
	}
	if d.status("front").StartedAt.Before(*d.status("web@2").StartedAt) {
		t.Error("front was started before web@2")
	}
	d.ctl("stop", "web").wants(t, 5, "front")
	d.ctl("stop", "web", "--with-dependents").wants(t, 0)
	d.waitState("web@1", "down")
	d.waitState("web@2", "down")
	d.ctl("start", "front").wants(t, 4, "web@1")
	d.ctl("start", "web").wants(t, 0)
	d.ctl("start", "front").wants(t, 0)
	d.up("web@1", "web@2", "front")
}

// One becomes several, and several one: the new are not started beside the old, which go on until somebody says so.
func TestInstancesTakeThePlaceOfTheOne(t *testing.T) {
	t.Parallel()
	one := service("web", "")
	three := instances(3, "")
	d := started(t, quick+one)
	old := d.up("web")[0]
	d.config(quick + three)
	d.ctl("reload").wants(t, 0)
	for _, name := range []string{"web@1", "web@2", "web@3"} {
		if s := d.status(name); s.State != "down" || !strings.Contains(s.Next, "web runs in its place") {
			t.Errorf("%s is %s; next: %s", name, s.State, s.Next)
		}
	}
	d.ctl("start", "web@1").wants(t, 1, `"web" still runs and is no longer in the config`)
	d.kill9()
	d.start() // which finds both
	if !alive(old) || d.status("web@2").State != "down" {
		t.Errorf("web alive: %v, web@2 is %s", alive(old), d.status("web@2").State)
	}
	d.ctl("reload", "--apply").wants(t, 0)
	pids := d.up("web@1", "web@2", "web@3")
	if alive(old) {
		t.Error("both run")
	}
	d.config(quick + one)
	d.ctl("reload").wants(t, 0)
	if s := d.status("web"); s.State != "down" {
		t.Errorf("web is %s beside its instances", s.State)
	}
	d.ctl("reload", "--apply").wants(t, 0)
	d.up("web")
	for _, pid := range pids {
		if alive(pid) {
			t.Errorf("process %d still runs", pid)
		}
	}
	if all := d.all(); len(all) != 1 {
		t.Errorf("left: %v", all)
	}
}
