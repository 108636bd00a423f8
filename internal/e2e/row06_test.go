package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// damages are what can become of a file. They change it in place, as a bad disk or a bad hand does.
var damages = map[string]func(content []byte, r *rand.Rand) []byte{
	"missing":   func([]byte, *rand.Rand) []byte { return nil },
	"empty":     func([]byte, *rand.Rand) []byte { return []byte{} },
	"truncated": func(c []byte, _ *rand.Rand) []byte { return slices.Clone(c[:len(c)/2]) },
	"random": func(c []byte, r *rand.Rand) []byte {
		out := make([]byte, len(c))
		for i := range out {
			out[i] = byte(r.Uint32())
		}
		return out
	},
	"one byte changed": func(c []byte, r *rand.Rand) []byte {
		out := slices.Clone(c)
		out[r.IntN(len(out))] ^= byte(1 + r.IntN(255))
		return out
	},
}

// Row 6: whatever happens to a state file, nothing is started and nothing is bounced; what is held stays held.
func TestRow06_DamagedStateFiles(t *testing.T) {
	files := map[string]string{ // what: pattern below the state directory
		"lock": "locks/service/db/*.toml", "hold": "holds/batch/*.toml", "plan": "plan.toml", "journal": "journal.db",
		"epoch of what runs": "epoch/web", "epoch of what is held": "epoch/db", "record": "inflight/db", "marker": "format",
	}
	for damage, spoil := range damages {
		t.Run(damage, func(t *testing.T) {
			t.Parallel()
			seed := uint64(os.Getpid())
			t.Logf("seed %d", seed)
			r := rand.New(rand.NewPCG(seed, 6))
			d := started(t, quick+service("db", "")+service("batch", "")+service("web", ""))
			d.up("db", "batch", "web")
			for _, name := range []string{"db", "web"} { // so that there are epochs
				d.ctl("maintenance", "start", name).wants(t, 0)
				d.ctl("maintenance", "end", name).wants(t, 0)
			}
			d.ctl("stop", "batch").wants(t, 0)
			d.ctl("maintenance", "start", "db", "--stop", "-m", "disk").wants(t, 0)
			scene := scene{d, d.status("web").PID}
			scene.wants("before")
			for what, pattern := range files {
				scene.damaged(what+" "+damage, pattern, damage, func(c []byte) []byte { return spoil(c, r) })
			}
			d.ctl("maintenance", "end", "db", "--start").wants(t, 0)
			d.ctl("start", "batch").wants(t, 0)
			d.up("db", "batch")
		})
	}
}

// scene is a locked db and a stopped batch, both down, and a web that runs as it did.
type scene struct {
	*daemon
	web int
}

// damaged spoils one file under a running supd, then kills supd and starts it again, and puts the file back.
func (s scene) damaged(what, pattern, damage string, spoil func([]byte) []byte) {
	s.t.Helper()
	found, err := filepath.Glob(s.state(pattern))
	if err != nil || len(found) > 1 {
		s.t.Fatalf("%s: found %v, %v", what, found, err)
	}
	var was []byte
	path := s.state(pattern)
	if len(found) == 1 {
		path = found[0]
		if was, err = os.ReadFile(path); err != nil {
			s.t.Fatal(err)
		}
	} else if strings.Contains(pattern, "*") {
		s.t.Fatalf("%s: no such file", what)
	}
	if len(was) == 0 { // a record in place is empty between actions
		was = []byte(strings.Repeat("x", 64))
	}
	s.spoil(path, spoil(was))
	s.wants(what + ", while supd runs")
	switch {
	case damage == "missing" && strings.Contains(pattern, "*"):
		// A lock or stop that is removed by hand while nobody looks is gone: nobody can know that it was there.
	case damage == "missing" && pattern == "format":
		s.kill9()
		s.refused("format")
		s.restore(path, was)
		s.start()
		return
	default:
		s.kill9()
		s.start()
		s.wants(what + ", after a restart")
		s.named(what, path, damage)
	}
	s.kill9()
	s.restore(path, was)
	s.start()
	s.wants(what + " mended")
}

// refused starts a supd that must not run.
func (s scene) refused(word string) {
	s.t.Helper()
	s.begin()
	select {
	case <-s.gone:
	case <-time.After(patience):
		s.t.Fatalf("supd runs\n%s", s.log())
	}
	if code := s.cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(s.log(), word) {
		s.t.Fatalf("exit code %d, log: %s", code, s.log())
	}
}

func (s scene) spoil(path string, content []byte) {
	s.t.Helper()
	err := os.Remove(path)
	if content != nil {
		err = os.WriteFile(path, content, 0o644)
	}
	if err != nil && !os.IsNotExist(err) {
		s.t.Fatal(err)
	}
}

// restore puts the file back; a journal is history and stays lost.
func (s scene) restore(path string, was []byte) {
	s.t.Helper()
	base := filepath.Base(path)
	if base == "journal.db" || strings.Contains(path, "/inflight/") {
		os.Remove(path)
		return
	}
	if err := os.WriteFile(path, was, 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// wants fails unless everything is as it was.
func (s scene) wants(when string) {
	s.t.Helper()
	all := s.all()
	if web := all["web"]; web.State != "up" || web.PID != s.web {
		s.t.Fatalf("%s: web is %s with process %d, want up with %d", when, web.State, web.PID, s.web)
	}
	for _, name := range []string{"db", "batch"} {
		st := all[name]
		if st.State != "down" || len(st.Holds) == 0 && st.Want == "up" {
			s.t.Fatalf("%s: %s is %s, held by %v: %s", when, name, st.State, st.holds(), st.Detail)
		}
	}
	s.unchanged(when, "db", "batch", "web")
}

// named fails unless status or the record names a file that nobody can read any more.
func (s scene) named(what, path, damage string) {
	s.t.Helper()
	base := filepath.Base(path)
	if damage == "missing" || damage == "one byte changed" || strings.Contains(path, "/epoch/") || base == "format" || damage != "random" && strings.Contains(path, "/inflight/") {
		return // nothing to name: absent and new files are as before the first use, and what is changed may still read
	}
	eventually(s.t, what+": the file is named", func() string {
		if base == "journal.db" && len(s.events("batch", "service.stopped")) > 0 {
			return "" // the half that was cut off held only free pages: all is still there
		}
		said := s.problems()
		for _, kind := range []string{"supd.problem", "service.unreadable", "journal.damaged", "action.interrupted"} {
			for _, e := range s.events("", kind) {
				said += "\n" + e.Text
			}
		}
		for _, st := range s.all() {
			for _, h := range st.Holds {
				said += "\n" + h.Reason
			}
		}
		if strings.Contains(said, path) || strings.Contains(said, filepath.Base(path)) {
			return ""
		}
		return fmt.Sprintf("%s is not in %q", path, said)
	})
}
