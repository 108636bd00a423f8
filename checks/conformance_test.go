package checks

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// broken makes one of each type that has to fail. A new type adds a line here: the conformance test asks for it.
var broken = map[string]func(t *testing.T) (table string, env Env){
	"tcp":     func(t *testing.T) (string, Env) { return `address = "` + closedPort(t) + `"`, Env{} },
	"http":    func(t *testing.T) (string, Env) { return `url = "http://` + closedPort(t) + `/"`, Env{} },
	"program": func(*testing.T) (string, Env) { return `command = ["/bin/false"]`, ran(Output{Known: true, Code: 1}) },
	"process": func(*testing.T) (string, Env) { return `when = "exists"`, living(Sample{}) },
	"file": func(t *testing.T) (string, Env) {
		return `path = "` + filepath.Join(t.TempDir(), "none") + `"`, Env{}
	},
}

// closedPort is an address of the loopback where nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// ran is a world in which every program ends like this.
func ran(out Output) Env {
	return Env{Run: func(context.Context, Command) (Output, error) { return out, nil }}
}

// living is a world in which the service has a process that uses this.
func living(s Sample) Env {
	return Env{
		Process: func() (Process, bool) { return Process{PID: 7, StartTime: 1}, true },
		Sample:  func(context.Context, Process) (Sample, error) { return s, nil },
	}
}

func TestConformance(t *testing.T) {
	for _, k := range Kinds() {
		t.Run(k.Name, func(t *testing.T) {
			t.Run("defaults suit the example", func(t *testing.T) { exampleIsValid(t, k) })
			t.Run("shares no key with the options", func(t *testing.T) { sharesNoKey(t, k) })
			t.Run("is described", func(t *testing.T) { isDescribed(t, k) })
			t.Run("an empty table names what is missing", func(t *testing.T) { emptyTableIsJudged(t, k) })
			t.Run("a cancelled context returns at once", func(t *testing.T) { cancelReturnsAtOnce(t, k) })
			t.Run("a failure carries its reason", func(t *testing.T) { failureHasReason(t, k) })
			t.Run("an empty world breaks nothing", func(t *testing.T) { emptyWorld(t, k) })
		})
	}
}

func exampleIsValid(t *testing.T, k Kind) {
	o, c := decode(t, k, k.Example)
	if err := c.Validate(); err != nil {
		t.Errorf("config of the example: %v", err)
	}
	if err := o.Validate(k, "svc"); err != nil {
		t.Errorf("options of the example: %v", err)
	}
	defaults := k.Options()
	defaults.Complete()
	for _, e := range KeyErrors(defaults.Validate(k, "svc")) {
		if !(k.NeedsWhen && e.Key == "when") {
			t.Errorf("defaults: %v", e)
		}
	}
	if o.Type != k.Name {
		t.Errorf("options are of type %q", o.Type)
	}
	if k.New() == k.New() && k.Name != "process" {
		t.Error("New hands out the same config twice")
	}
	for _, cond := range o.When {
		if again, err := ParseCondition(cond.String()); err != nil || again != cond {
			t.Errorf("condition %q is read as %+v, %v", cond, again, err)
		}
	}
}

// sharesNoKey: a key of the table is read by the options or by the type, never by both.
func sharesNoKey(t *testing.T, k Kind) {
	common := map[string]bool{}
	for _, key := range keysOf(Options{}) {
		common[key] = true
	}
	for _, key := range keysOf(k.New()) {
		if common[key] {
			t.Errorf("key %q is also one of the common options", key)
		}
	}
}

// keysOf lists a struct's toml keys.
func keysOf(v any) []string {
	typ := reflect.TypeOf(v)
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	var keys []string
	for i := range typ.NumField() {
		keys = append(keys, typ.Field(i).Tag.Get("toml"))
	}
	return keys
}

func isDescribed(t *testing.T, k Kind) {
	if len(k.Doc) < 40 || !strings.HasSuffix(k.Doc, ".") {
		t.Errorf("its description is %q", k.Doc)
	}
	for _, term := range k.Values {
		if term.Doc == "" || strings.ContainsFunc(term.Name, func(r rune) bool { return !isNameRune(r) }) {
			t.Errorf("value %q: not described, or no name that `when` can read", term.Name)
		}
	}
}

// emptyTableIsJudged: either the defaults are a whole config, or each mistake has a key.
func emptyTableIsJudged(t *testing.T, k Kind) {
	for _, e := range KeyErrors(k.New().Validate()) {
		if e.Key == "" || e.Text == "" {
			t.Errorf("a mistake without a key or text: %+v", e)
		}
	}
}

func cancelReturnsAtOnce(t *testing.T, k Kind) {
	noneLeftBehind(t)
	_, c := decode(t, k, k.Example)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	env := living(Sample{})
	env.Run = func(ctx context.Context, _ Command) (Output, error) { <-ctx.Done(); return Output{}, ctx.Err() }
	result := make(chan Result, 1)
	go func() { result <- c.Make().Run(ctx, env) }()
	select {
	case r := <-result:
		if r.State != Unknown || r.Detail == "" {
			t.Errorf("a look that was broken off is %s: %q", r.State, r.Detail)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("it did not return within 5s")
	}
}

func failureHasReason(t *testing.T, k Kind) {
	noneLeftBehind(t)
	make := broken[k.Name]
	if make == nil {
		t.Fatalf("no failing example of type %s; add one to broken", k.Name)
	}
	table, env := make(t)
	o, c := decode(t, k, table)
	w := newWatch(k, o)
	r := w.see(Report{At: time.Now(), Result: c.Make().Run(within(t, 5*time.Second), env)}).Result
	if k.Name == "process" { // it never fails by itself
		r = w.see(Report{At: time.Now(), Result: c.Make().Run(t.Context(), env)}).Result
	}
	if r.State != Failing || len(r.Detail) < 10 || len(r.Detail) > detailBytesMax {
		t.Errorf("%s: %q", r.State, r.Detail)
	}
}

func emptyWorld(t *testing.T, k Kind) {
	noneLeftBehind(t)
	_, c := decode(t, k, k.Example)
	if r := c.Make().Run(within(t, 2*time.Second), Env{}); r.State != OK && r.Detail == "" {
		t.Errorf("%s without a reason", r.State)
	}
}

// TestEveryTypeHasAFileOfItsName keeps "one type, one file" true.
func TestEveryTypeHasAFileOfItsName(t *testing.T) {
	for _, name := range Names() {
		text, err := os.ReadFile(name + ".go")
		if err != nil || !strings.Contains(string(text), "Register(Kind{") {
			t.Errorf("type %s is not registered in %s.go (%v)", name, name, err)
		}
	}
}
