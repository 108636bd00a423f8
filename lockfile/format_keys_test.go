package lockfile

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func formatPage(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile("../docs/lock-format.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}

// tableOf is the rows of the table on the page whose head's first cell is this: cells by the names in the first one.
func tableOf(t *testing.T, page, head string) map[string][]string {
	t.Helper()
	_, rest, ok := strings.Cut(page, "\n| "+head+" |")
	if !ok {
		t.Fatalf("docs/lock-format.md has no table %q", head)
	}
	rows := map[string][]string{}
	for _, line := range strings.Split(rest, "\n")[2:] {
		if !strings.HasPrefix(line, "| ") {
			break
		}
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		for _, name := range strings.Split(cells[0], ", ") {
			rows[strings.Trim(name, "`")] = cells
		}
	}
	return rows
}

// Every key of every file is on the page with its type, and none that is not.
func TestDocsHaveEveryKeyWithItsType(t *testing.T) {
	page := formatPage(t)
	for head, v := range map[string]any{
		"key of a lock": Lock{}, "key of `owner`, and of `by`": Owner{}, "key of `members.NAME`": Identity{}, "key of `offer`": Offer{},
		"key of `ended`": Ended{}, "key of a hold": Hold{}, "key of a record": Record{}, "key of plan.toml": Plan{}, "key of aside/NAME.why": Aside{},
	} {
		rows := tableOf(t, page, head)
		typ := reflect.TypeOf(v)
		var keys []string
		for i := range typ.NumField() {
			key, _, _ := strings.Cut(typ.Field(i).Tag.Get("toml"), ",")
			if key == "" {
				continue
			}
			keys = append(keys, key)
			if row := rows[key]; row == nil {
				t.Errorf("%s: %q is not there", head, key)
			} else if want := tomlType(typ.Field(i).Type); len(row) < 2 || row[1] != want {
				t.Errorf("%s: %q is a %s: %q", head, key, want, row)
			}
		}
		for key := range rows {
			if !slices.Contains(keys, key) {
				t.Errorf("%s: there is no %q", head, key)
			}
		}
	}
}

// tomlType is how the page calls what a field becomes in TOML.
func tomlType(typ reflect.Type) string {
	switch {
	case typ == reflect.TypeFor[time.Time]():
		return "time"
	case typ == reflect.TypeFor[Target]():
		return "text"
	}
	switch typ.Kind() {
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "boolean"
	case reflect.Int, reflect.Int64, reflect.Uint64:
		return "integer"
	case reflect.Slice:
		return "list of texts"
	}
	return "table"
}

// The kinds of holds on the page are those that can be in a file, and those that status has besides.
func TestDocsHaveEveryKindOfHold(t *testing.T) {
	var inFiles []HoldKind
	for kind, row := range tableOf(t, formatPage(t), "kind") {
		if row[1] == "yes" {
			inFiles = append(inFiles, HoldKind(kind))
		}
	}
	want := HoldKinds()
	slices.Sort(want)
	if slices.Sort(inFiles); !slices.Equal(inFiles, want) {
		t.Errorf("the page says %v, the code %v", inFiles, want)
	}
}

// Every place of the layout is on the page.
func TestDocsHaveEveryDirectory(t *testing.T) {
	page := formatPage(t)
	for _, e := range layout {
		if !strings.Contains(page, "STATE/"+strings.TrimSuffix(e.dir, "/"+hostName)) {
			t.Errorf("docs/lock-format.md does not have STATE/%s", e.dir)
		}
	}
}

// The lines of shell on the page are right whenever they say "free".
func TestDocsShellReadsLikeTheGate(t *testing.T) {
	_, rest, _ := strings.Cut(formatPage(t), "```sh\n")
	script, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("there are no lines of shell")
	}
	free := func(d *Dir, name string) bool {
		cmd := exec.Command("/bin/sh", "-c", script+"\nfree "+name)
		cmd.Env = append(os.Environ(), "STATE="+d.path)
		out, err := cmd.CombinedOutput()
		if len(out) > 0 {
			t.Errorf("the shell says %s", out)
		}
		return err == nil
	}
	fresh := func() *Dir {
		return newDir(t, planOf(map[string][]string{"front": {"db", "web"}}, "db", "web", "web@1"))
	}
	d := fresh()
	l := lockOf(t, d, ann(), "@front")[0]
	if _, err := d.End(context.Background(), end(ann(), l.ID)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"db", "web@1", "never-seen"} {
		if !free(d, name) {
			t.Errorf("%s is free, and the shell does not say so", name)
		}
	}
	for _, target := range []string{"web", "@front", "--all"} {
		d := fresh()
		lockOf(t, d, ann(), target)
		if free(d, "web") || free(d, "web@1") || target != "web" && free(d, "db") {
			t.Errorf("a lock on %s: the shell says free", target)
		}
	}
	held := fresh()
	if _, err := held.AddHold("db", HoldSpec{Kind: HoldOperatorStop}); err != nil || free(held, "db") || !free(held, "web") {
		t.Errorf("an operator stop of db: %v", err)
	}
	for _, h := range harms() {
		d, path := harmed(t, h)
		if f := d.wrong(path); h.holds == "" || f == nil || strings.Contains(path, "/inflight") || strings.Contains(path, "/gates") ||
			strings.Contains(path, "/epoch") || filepath.Base(path) == "plan.toml" {
			continue // what only an action asks for
		}
		if free(d, h.holds) {
			t.Errorf("%s: the shell says free", fmt.Sprint(h.name))
		}
	}
}
