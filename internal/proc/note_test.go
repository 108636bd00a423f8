package proc

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestNotes(t *testing.T) {
	d := Notes{Dir: filepath.Join(t.TempDir(), "run", "proc")}
	if all, bad := d.All(); len(all) != 0 || len(bad) != 0 {
		t.Fatalf("before the first: %v %v", all, bad)
	}
	n := Note{Service: "db", Gen: 3, Process: Identity{BootID: "b", PID: 7, StartTime: 8}, Cgroup: "/x", Started: time.Unix(9, 0).UTC(), Limits: Limits{"limits.nofile": "1:2"}}
	must(t, d.Write(n))
	n.Gen = 4
	must(t, d.Write(n))
	if got, err := d.Read("db"); err != nil || !reflect.DeepEqual(got, n) {
		t.Errorf("read %+v, %v", got, err)
	}
	if _, err := d.Read("web"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a note that is not there: %v", err)
	}
	must(t, os.WriteFile(filepath.Join(d.Dir, "web.json"), []byte("{"), 0o600))
	must(t, os.WriteFile(filepath.Join(d.Dir, "api.json"), []byte(`{"service":"db","process":{"pid":1}}`), 0o600))
	all, bad := d.All()
	if len(all) != 1 || !reflect.DeepEqual(all[0], n) || len(bad) != 2 {
		t.Errorf("all: %v, bad: %v", all, bad)
	}
	if _, err := d.Read("web"); err == nil || errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "web.json") {
		t.Errorf("a damaged note: %v", err)
	}
	must(t, d.Remove("db"))
	must(t, d.Remove("db"))
	if _, err := d.Read("db"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after Remove: %v", err)
	}
}
