package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"unicode/utf8"
)

// evil is a reason that would clear the screen, set the title, forge a line, turn the writing round and break UTF-8.
const evil = "evil\x1b[2J\x1b]0;pwn\a\r\nFAKE db is free\x9b31m\xff\u202ertl\u200b"

// tame fails the test when a program let any of that through to a terminal.
func (r result) tame(t *testing.T) {
	t.Helper()
	for _, text := range []string{r.Out, r.Err} {
		for _, line := range strings.Split(text, "\n") {
			if strings.HasPrefix(strings.TrimSpace(line), "FAKE") || strings.ContainsFunc(line, func(c rune) bool { return c < ' ' || c == 0x7f || c >= 0x80 && c < 0xa0 || c == 0x202e || c == 0x200b }) {
				t.Errorf("%s lets through: %q", r.Argv, line)
			}
		}
		if !utf8.ValidString(text) {
			t.Errorf("%s writes broken UTF-8: %q", r.Argv, text)
		}
	}
}

// metrics are what a scrape gives.
func (d *daemon) scrape() string {
	d.t.Helper()
	c := http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", d.path("run/supd.sock"))
	}}}
	r, err := c.Get("http://supd/metrics")
	if err != nil {
		d.t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return string(text)
}

// What somebody writes as a reason or a ticket is shown harmlessly, wherever it is shown: also what was written without supd.
func TestBadWordsAreHarmless(t *testing.T) {
	t.Parallel()
	d := started(t, "[maintenance]\nsettle = \"0s\"\nrequire_ticket = \"OPS-[0-9]+\"\n"+service("db", "")+service("web", ""))
	d.up("db", "web")
	d.ctl("maintenance", "start", "db", "-m", evil, "--ticket", evil).tame(t)
	d.kill9()
	d.ctl("maintenance", "start", "web", "-m", evil, "--ticket", evil).tame(t)
	d.ctl("maintenance", "list").tame(t)
	d.start()
	d.waitHold("web", "lock")
	for _, args := range [][]string{
		{"maintenance", "list"}, {"maintenance", "show", d.locks()[0].ID}, {"maintenance", "check", "db"}, {"maintenance", "ready", "db"}, {"status"},
		{"show", "db"}, {"explain", "db"}, {"events"}, {"start", "nosuch" + evil}, {"maintenance", "start", evil}, {"maintenance", "end", "db", "--force"},
	} {
		d.ctl(args...).tame(t)
		r := d.ctl(append(args, "-o", "json")...)
		r.tame(t)
		for _, doc := range []string{r.Out, r.Err} {
			if doc != "" && !json.Valid([]byte(doc)) {
				t.Errorf("%s: no JSON: %q", r.Argv, doc)
			}
		}
	}
	for _, line := range strings.Split(strings.TrimSpace(d.log()), "\n") {
		if strings.Contains(line, "FAKE") && !strings.Contains(line, "evil") || strings.ContainsAny(line, "\x1b\a\r") {
			t.Errorf("the log lets through: %q", line)
		}
	}
	text := d.scrape()
	if !strings.Contains(text, "supd_lock_ready") || strings.ContainsAny(text, "\x1b\a\r") || strings.Contains(text, "\nFAKE") {
		t.Errorf("the metrics: %q", text)
	}
}

// What no lock can hold is refused in the same words with supd and without, naming the limit; the bare command works.
func TestBadWordsTooLong(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("db", ""))
	d.up("db")
	refused := func() {
		t.Helper()
		long := strings.Repeat("x", 64<<10)
		d.ctl("maintenance", "start", "db", "-m", long).wants(t, 2, "reason has 65536 bytes, limit 4096", "nothing was locked", "works without any flag")
		d.ctl("maintenance", "start", "db", "--ticket", long[:300]).wants(t, 2, "ticket has 300 bytes, limit 256", "nothing was locked")
		for given, says := range map[string]string{
			"-1h": `"-1h" is negative`, "9999999h": "longer than 292 years", "87601h": "out of range: 0 to 3650 days", "0s": "0s is no time", "0": "has no unit", "x": "is no duration",
		} {
			d.ctl("maintenance", "start", "db", "--for", given).wants(t, 2, says)
		}
		d.ctl("maintenance", "start", "db", "--wait", "-1h").wants(t, 2, "is negative")
		if n := len(d.locks()); n > 0 {
			t.Fatalf("%d locks", n)
		}
		d.ctl("maintenance", "start", "bd").wants(t, 3, `did you mean "db"?`)
		d.ctl("maintenance", "start", "db").wants(t, 0)
		d.ctl("maintenance", "end", "dv").wants(t, 3, `did you mean "db"?`)
		d.ctl("maintenance", "extend", "db", "--for", "87601h").wants(t, 2, "out of range")
	}
	refused()
	d.ctl("maintenance", "end", "db").wants(t, 0)
	d.kill9()
	refused()
}

// A lock file that another program wrote may say more than a table has room for.
func TestBadWordsInALockFile(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("db", ""))
	d.up("db")
	d.ctl("maintenance", "start", "db", "-m", "short").wants(t, 0)
	l := d.locks()[0]
	text, err := os.ReadFile(l.File)
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("long ", 13<<10)
	if err := os.WriteFile(l.File, []byte(strings.Replace(string(text), `"short"`, fmt.Sprintf("%q", long), 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"status"}, {"maintenance", "list"}} {
		if r := d.ctl(args...).wants(t, 0, "long long", "…"); len(r.Out) > 2000 {
			t.Errorf("%q writes %d bytes", args, len(r.Out))
		}
	}
	d.ctl("maintenance", "show", l.ID).wants(t, 0, long[:4096])
}
