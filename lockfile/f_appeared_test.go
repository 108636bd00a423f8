package lockfile

import (
	"context"
	"maps"
	"slices"
	"testing"
)

// renamedTo puts a plan in force in which some names are gone from the config.
func renamedTo(t *testing.T, d *Dir, next Plan, vanished ...string) {
	t.Helper()
	affected := append(slices.Collect(maps.Keys(next.Services)), vanished...)
	build := func(map[string]error) Plan { return next }
	if _, err := d.Reload(context.Background(), ReloadRequest{Affected: affected, Vanished: vanished, Build: build}); err != nil {
		t.Fatal(err)
	}
}

// F37: under a lock a service gets another name and another command. What is unknown and appears as it vanishes may be it.
func TestF37_WhatAppearsAsALockedServiceVanishesIsHeld(t *testing.T) {
	d := newDir(t, planOf(nil, "db", "web"))
	l := lockOf(t, d, ann(), "db")[0]
	renamedTo(t, d, Plan{Services: map[string]Identity{
		"dby": {Command: "/bin/dby"}, // unknown
		"www": {Command: "/bin/web"}, // what web was
	}}, "db", "web")
	wantHeld(t, d, "dby")
	if c := d.Cover("www"); !c.Clean() {
		t.Errorf("another service under a new name: %+v", c)
	}
	renamedTo(t, d, Plan{Services: map[string]Identity{"dby": {Command: "/bin/dby"}, "www": {Command: "/bin/web"}, "later": {Command: "/bin/later"}}})
	if c := d.Cover("later"); !c.Clean() {
		t.Errorf("appeared when nothing vanished: %+v", c)
	}
	if _, err := d.End(context.Background(), end(ann(), l.ID)); err != nil {
		t.Fatal(err)
	}
	if c := d.Cover("dby"); !c.Clean() {
		t.Errorf("after the end: %+v", c)
	}
}

// What somebody stopped stays stopped under its new name; a restart limit is no wish of anybody's, and another service is another one.
func TestAnOperatorStopGoesAlongWithANewName(t *testing.T) {
	d := newDir(t, planOf(nil, "db", "web"))
	for name, kind := range map[string]HoldKind{"db": HoldOperatorStop, "web": HoldRestartLimit} {
		if _, err := d.AddHold(name, HoldSpec{Kind: kind, By: "ann"}); err != nil {
			t.Fatal(err)
		}
	}
	renamedTo(t, d, Plan{Services: map[string]Identity{"data": {Command: "/bin/db"}, "www": {Command: "/bin/web"}, "new": {Command: "/bin/new"}}}, "db", "web")
	for name, want := range map[string]int{"data": 1, "www": 0, "new": 0} {
		if holds, _ := d.ListHolds(name); len(holds) != want || want > 0 && holds[0].By != "ann" {
			t.Errorf("%s: %+v", name, holds)
		}
	}
}
