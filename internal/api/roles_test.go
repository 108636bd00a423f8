package api

import (
	"os"
	"reflect"
	"testing"

	"github.com/supd/supd/internal/who"
)

func TestParseGrants(t *testing.T) {
	for _, c := range []struct {
		entry   string
		want    []Grant
		missing bool
		err     bool
	}{
		{entry: "any", want: []Grant{{Any: true}}},
		{entry: "user:root", want: []Grant{{ID: 0}}},
		{entry: "group:root", want: []Grant{{Group: true, ID: 0}}},
		{entry: "1000", want: []Grant{{ID: 1000}}},
		{entry: "user:1000", want: []Grant{{ID: 1000}}},
		{entry: "group:1000", want: []Grant{{Group: true, ID: 1000}}},
		{entry: "user:no-such-user-here", missing: true},
		{entry: "group:no-such-group-here", missing: true},
		{entry: "4294967296", err: true},
		{entry: "root", err: true},
		{entry: "role:root", err: true},
		{entry: "group:", err: true},
		{entry: "", err: true},
		{entry: "-1", err: true},
	} {
		got, missing, err := ParseGrants([]string{c.entry})
		if !reflect.DeepEqual(got, c.want) || (len(missing) > 0) != c.missing || (err != nil) != c.err {
			t.Errorf("%q: %v, missing %q, %v", c.entry, got, missing, err)
		}
	}
}

func TestRoleOfAPeer(t *testing.T) {
	everybody := Roles{Operators: []Grant{{Any: true}}}
	byGroup := Roles{Admins: []Grant{{Group: true, ID: 7}}, Operators: []Grant{{Group: true, ID: 8}, {ID: 9}}}
	for _, c := range []struct {
		name  string
		roles Roles
		peer  who.Peer
		want  Role
	}{
		{"root", Roles{}, who.Peer{UID: 0, GID: 5}, Admin},
		{"who runs supd", Roles{}, who.Peer{UID: uint32(os.Geteuid())}, Admin},
		{"somebody", Roles{}, who.Peer{UID: 12345}, Viewer},
		{"any", everybody, who.Peer{UID: 12345}, Operator},
		{"group of admins", byGroup, who.Peer{UID: 12345, GID: 7}, Admin},
		{"supplementary", byGroup, who.Peer{UID: 12345, GID: 1, Groups: []uint32{2, 8}}, Operator},
		{"both", byGroup, who.Peer{UID: 12345, GID: 8, Groups: []uint32{7}}, Admin},
		{"uid", byGroup, who.Peer{UID: 9, GID: 1}, Operator},
		{"a gid is no uid", byGroup, who.Peer{UID: 8, GID: 9}, Viewer},
	} {
		if got := c.roles.Of(c.peer); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}
