package configs

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/supd/supd/lockfile"
)

const severalWebs = `
[service.web]
command = ["/usr/bin/web", "--port", "808${instance}", "$${instance}", "${HOME}"]
instances = 3
env = { NUMBER = "${instance}", TEXT = "$${instance}" }
dir = "/srv/web/${instance}"
log_file = "/var/log/web-${instance}.log"
[service.web.check.http]
type = "http"
url = "http://127.0.0.1:808${instance}/"
[service.proxy]
command = ["/usr/bin/proxy"]
depends_on = ["web"]
maintenance = { require = ["web/http"] }
[check.disk]
type = "file"
path = "/srv"
interlocks = ["web"]
[group.all]
services = ["proxy", "web"]
`

func TestInstancesAreServices(t *testing.T) {
	p := plain(t, severalWebs)
	webs := []string{"web@1", "web@2", "web@3"}
	if got := sortedKeys(p.Services); !slices.Equal(got, append([]string{"proxy"}, webs...)) {
		t.Fatalf("services %q", got)
	}
	s := p.Services["web@2"]
	if !slices.Equal(s.Command, []string{"/usr/bin/web", "--port", "8082", "${instance}", "${HOME}"}) {
		t.Errorf("command %q", s.Command)
	}
	if s.Env["NUMBER"] != "2" || s.Env["TEXT"] != "${instance}" || s.Dir != "/srv/web/2" || s.LogFile != "/var/log/web-2.log" {
		t.Errorf("texts: %+v %q %q", s.Env, s.Dir, s.LogFile)
	}
	if got := s.Checks["http"].shown()["url"]; got != `"http://127.0.0.1:8082/"` {
		t.Errorf("its check's url: %s", got)
	}
	if s.InstanceOf != "web" || s.Instance != 2 || s.Instances != 0 {
		t.Errorf("instance %d of %q, %d instances", s.Instance, s.InstanceOf, s.Instances)
	}
	proxy := p.Services["proxy"]
	if !slices.Equal(proxy.DependsOn, webs) {
		t.Errorf("depends_on %q", proxy.DependsOn)
	}
	if !slices.Equal(proxy.Maintenance.Require, []string{"web@1/http", "web@2/http", "web@3/http"}) {
		t.Errorf("require %q", proxy.Maintenance.Require)
	}
	if got := p.Checks["disk"].Options.Interlocks; !slices.Equal(got, webs) {
		t.Errorf("interlocks %q", got)
	}
	if got := p.Groups["all"].Services; !slices.Equal(got, append([]string{"proxy"}, webs...)) {
		t.Errorf("group %q", got)
	}
}

// A crash of one instance must not find another one "running under a new name".
func TestInstancesOfOneCommandAreNotOneService(t *testing.T) {
	p := plain(t, "[service.web]\ncommand = [\"/usr/bin/web\"]\ninstances = 2\n")
	if p.Services["web@1"].Digest() == p.Services["web@2"].Digest() {
		t.Error("the same digest")
	}
	ids := p.Lockfile(1, nil).Services
	if ids["web@1"].Shares(ids["web@2"]) {
		t.Errorf("one identity: a lock on web@1 would hold web@2: %+v", ids)
	}
}

// Another number is no change to the services that stay.
func TestScalingChangesNobodyElse(t *testing.T) {
	one := plain(t, "[service.web]\ncommand = [\"/usr/bin/web\"]\ninstances = 2\n")
	other := plain(t, "[service.web]\ncommand = [\"/usr/bin/web\"]\ninstances = 3\n")
	changes := Diff(one, other)
	if len(changes) != 1 || changes[0].Service != "web@3" || changes[0].Kind != Added {
		t.Errorf("changes: %+v", changes)
	}
	before := one.Lockfile(1, nil)
	if after := other.Lockfile(2, &before); after.Services["web@1"] != before.Services["web@1"] {
		t.Errorf("web@1 is another one: %+v, was %+v", after.Services["web@1"], before.Services["web@1"])
	}
}

// A table of its own in another file clashes as well, whichever is read first.
func TestInstanceClashAcrossFiles(t *testing.T) {
	dir := write(t, map[string]string{
		"supd.toml":     "include = [\"conf.d/*.toml\"]\n[service.\"web@2\"]\ncommand = [\"/bin/web\"]\n",
		"conf.d/a.toml": "[service.web]\ncommand = [\"/bin/web\"]\ninstances = 2\n",
	})
	_, mistakes := Load(filepath.Join(dir, "supd.toml"), Options{Trust: TrustAny})
	if len(mistakes) != 1 {
		t.Fatalf("mistakes: %v", mistakes)
	}
	want := `service "web": instances: "web@2" is one of them, and has a table of its own at ` + filepath.Join(dir, "supd.toml") + ":2; rename one"
	if mistakes[0].Text != want {
		t.Errorf("%s\nwant %s", mistakes[0].Text, want)
	}
}

// supctl without the daemon must lock the very same services.
func TestNamesOnlyKnowsInstances(t *testing.T) {
	path := filepath.Join(t.TempDir(), "supd.toml")
	if err := os.WriteFile(path, []byte(severalWebs), 0o600); err != nil {
		t.Fatal(err)
	}
	names, err := NamesOnly(path)
	if err != nil {
		t.Fatal(err)
	}
	plan := plain(t, severalWebs).Lockfile(0, nil)
	for name, id := range plan.Services {
		if names.Services[name] != id {
			t.Errorf("%s is %+v, in the plan %+v", name, names.Services[name], id)
		}
	}
	if len(names.Services) != len(plan.Services) || !slices.Equal(names.Groups["all"], plan.Groups["all"]) {
		t.Errorf("services %v, groups %v", sortedKeys(names.Services), names.Groups)
	}
	var none lockfile.Identity
	if names.Services["web@1"] == none {
		t.Error("no identity")
	}
}

func TestTenThousandInstances(t *testing.T) {
	p := plain(t, "[service.web]\ncommand = [\"/usr/bin/web\", \"${instance}\"]\ninstances = 10000\n")
	if len(p.Services) != instancesMax {
		t.Errorf("%d services", len(p.Services))
	}
}
