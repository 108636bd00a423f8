package lockfile

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
)

// F34: what cannot be read may be nobody's lock, and may be readable the moment after. An end that leaned on it would have released
// the service without a verdict.
func TestF34_NobodyLeansOnWhatCannotBeRead(t *testing.T) {
	failing := errors.New("a check fails")
	for what, verdict := range map[string]func(string) error{"a failing check": func(string) error { return failing }, "nobody to ask": nil} {
		d := newDir(t, Plan{}, "db", "web")
		l := lockOf(t, d, ann(), "db")[0]
		bad := d.path + "/locks/service/db/bad1.toml"
		if err := os.WriteFile(bad, []byte("not [ toml"), 0o644); err != nil {
			t.Fatal(err)
		}
		r := end(ann(), l.ID)
		r.Verdict = verdict
		_, err := d.End(context.Background(), r)
		if !isVerify(err) || !strings.Contains(err.Error(), bad) || verdict != nil && !errors.Is(err, failing) {
			t.Errorf("%s: %v, want refused, naming %s", what, err, bad)
		}
		if err := os.Remove(bad); err != nil { // the moment after
			t.Fatal(err)
		}
		wantHeld(t, d, "db")
	}
}

// With a good verdict, or a person's word, the lock goes; the service stays held by what cannot be read, so it is not called free.
func TestEndBesideAnUnreadableFile(t *testing.T) {
	for what, change := range map[string]func(*EndRequest){"verdict": func(*EndRequest) {}, "force": func(r *EndRequest) { r.Verdict, r.Force = nil, true }} {
		d := newDir(t, Plan{}, "db", "web")
		l := lockOf(t, d, ann(), "db")[0]
		if err := os.WriteFile(d.path+"/locks/service/db/bad1.toml", nil, 0o644); err != nil {
			t.Fatal(err)
		}
		r := end(ann(), l.ID)
		change(&r)
		if res, err := d.End(context.Background(), r); err != nil || len(res.Ended) != 1 || len(res.Freed) != 0 {
			t.Errorf("%s: %+v, %v", what, res, err)
		}
		wantUnsure(t, d, "db", "bad1.toml")
	}
}
