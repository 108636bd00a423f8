package proc

import (
	"os"
	"os/user"
	"slices"
	"testing"
)

func TestLookupUser(t *testing.T) {
	me, err := user.Current()
	must(t, err)
	for _, name := range []string{me.Username, me.Uid} {
		u, err := LookupUser(name, "", nil)
		must(t, err)
		if u.Name != me.Username || int(u.UID) != os.Getuid() || u.Home != me.HomeDir || len(u.Groups) == 0 {
			t.Errorf("%q: %+v", name, u)
		}
	}
	u, err := LookupUser(me.Username, "12345", []string{"7", "8"})
	must(t, err)
	if u.GID != 12345 || !slices.Equal(u.Groups, []uint32{7, 8}) {
		t.Errorf("%+v", u)
	}
	for _, c := range []struct{ user, group, want string }{
		{"no-such-user", "", `user "no-such-user" does not exist`},
		{"4000000000", "", `user "4000000000" does not exist`},
		{me.Username, "no-such-group", `group "no-such-group" does not exist`},
	} {
		if _, err := LookupUser(c.user, c.group, nil); err == nil || err.Error() != c.want {
			t.Errorf("%q %q: %v, want %s", c.user, c.group, err, c.want)
		}
	}
}
