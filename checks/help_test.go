package checks

import (
	"context"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/BurntSushi/toml"
)

// decode reads a check's table the way a config does: each key belongs to the options or to the type.
func decode(t *testing.T, k Kind, text string) (Options, Config) {
	t.Helper()
	o, c := k.Options(), k.New()
	mo, err := toml.Decode(text, &o)
	if err != nil {
		t.Fatalf("options of %s: %v", k.Name, err)
	}
	mc, err := toml.Decode(text, c)
	if err != nil {
		t.Fatalf("config of %s: %v", k.Name, err)
	}
	foreign := map[string]bool{}
	for _, key := range mo.Undecoded() {
		foreign[key.String()] = true
	}
	for _, key := range mc.Undecoded() {
		if foreign[key.String()] {
			t.Errorf("%s: nobody knows the key %q", k.Name, key)
		}
	}
	o.Complete()
	return o, c
}

// kindOf looks a type up that has to be there.
func mustLookup(t *testing.T, name string) Kind {
	t.Helper()
	k, err := Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// made is the check of a table.
func made(t *testing.T, kind, text string) Check {
	t.Helper()
	k := mustLookup(t, kind)
	o, c := decode(t, k, text)
	if err := c.Validate(); err != nil {
		t.Fatalf("config %s: %v", text, err)
	}
	if err := o.Validate(k, "svc"); err != nil {
		t.Fatalf("options %s: %v", text, err)
	}
	return c.Make()
}

// within is a context that ends after d, or with the test.
func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// expectDetail wants a state and every part in the detail.
func expectDetail(t *testing.T, r Result, want State, parts ...string) {
	t.Helper()
	if r.State != want {
		t.Errorf("state is %s, want %s; detail: %s", r.State, want, r.Detail)
	}
	for _, part := range parts {
		if !strings.Contains(r.Detail, part) {
			t.Errorf("detail %q has not %q in it", r.Detail, part)
		}
	}
}

// eventually polls what has no event to wait for.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(5 * time.Second); !ok(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("%s did not happen within 5s", what)
		}
	}
}

// noneLeftBehind wants as many goroutines at the end of the test as now.
func noneLeftBehind(t *testing.T) {
	t.Helper()
	before := runtime.NumGoroutine()
	t.Cleanup(func() {
		eventually(t, "the end of all goroutines", func() bool { return runtime.NumGoroutine() <= before })
	})
}
