package doctor

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// host is a made-up machine: files by path. A text that begins with "-> " is a link.
func host(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for path, text := range files {
		full := filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if to, link := strings.CutPrefix(text, "-> "); link {
			err = os.Symlink(to, full)
		} else if strings.HasSuffix(path, "/") {
			err = os.MkdirAll(full, 0o755)
		} else {
			err = os.WriteFile(full, []byte(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// redis is the service of most tests, and web one with a program of its own.
func redis() []Target {
	return []Target{
		{Service: "cache", Argv: []string{"/usr/bin/redis-server", "/etc/redis/redis.conf"}, Program: "/usr/bin/redis-check-rdb"},
		{Service: "web", Argv: []string{"/srv/web/bin/web", "--port", "8080"}, Program: "/srv/web/bin/web"},
		{Service: "nap", Argv: []string{"sleep", "1000"}, Program: "/usr/bin/sleep"},
	}
}

// found looks and gives findings as "SERVICE KIND NAME", with a "!" where a lock does not cover it.
func found(t *testing.T, files map[string]string) (short []string, r Report) {
	t.Helper()
	r = Look(context.Background(), host(t, files), redis())
	for _, f := range r.Findings {
		s := f.Service + " " + f.Kind + " " + f.Name
		if !f.Covered {
			s += "!"
		}
		short = append(short, s)
		if f.What == "" || f.File == "" {
			t.Errorf("%s says too little: %+v", s, f)
		}
	}
	return short, r
}

func expect(t *testing.T, files map[string]string, want ...string) Report {
	t.Helper()
	got, r := found(t, files)
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("found %q, want %q\nunseen: %q", got, want, r.Unseen)
	}
	return r
}

func TestNothing(t *testing.T) {
	if r := expect(t, nil); len(r.Unseen) != 0 {
		t.Errorf("unseen on an empty host: %q", r.Unseen)
	}
	if r := Look(context.Background(), "/", nil); len(r.Findings)+len(r.Unseen) != 0 {
		t.Errorf("of no service: %+v", r)
	}
}

func TestUnits(t *testing.T) {
	const redisUnit = "[Service]\nExecStart=/usr/bin/redis-server /etc/redis/redis.conf --supervised systemd\nRestart=always\n"
	booted := func(more map[string]string) map[string]string {
		more["/run/systemd/system/"] = ""
		return more
	}
	const link = "/etc/systemd/system/multi-user.target.wants/redis.service"
	r := expect(t, booted(map[string]string{
		"/lib/systemd/system/redis.service":                  redisUnit,
		"/sys/fs/cgroup/system.slice/redis.service/x":        "",
		"/usr/sbin/needrestart":                              "",
		"/lib/systemd/system/other.service":                  "[Service]\nExecStart=/usr/bin/redis-server /etc/redis/other.conf\n",
		"/sys/fs/cgroup/unified/system.slice/other.service/": "",
	}), "cache needrestart redis.service!", "cache systemd redis.service!")
	if !strings.Contains(r.Findings[1].What, "Restart=always") {
		t.Errorf("%+v", r.Findings[1])
	}
	expect(t, booted(map[string]string{"/lib/systemd/system/redis.service": redisUnit, link: "-> /lib/systemd/system/redis.service"}), "cache systemd redis.service!")
	// Neither enabled nor running: it does nothing.
	expect(t, booted(map[string]string{"/lib/systemd/system/redis.service": redisUnit}))
	// Masked, and hidden by a stronger one.
	expect(t, booted(map[string]string{"/etc/systemd/system/redis.service": "-> /dev/null", "/lib/systemd/system/redis.service": redisUnit, link: "-> x"}))
	// systemd does not run here: a container.
	expect(t, map[string]string{"/lib/systemd/system/redis.service": redisUnit, link: "-> x"})
	// By its name; a drop-in has the last word.
	r = expect(t, booted(map[string]string{
		"/lib/systemd/system/web.service":                  "[Service]\nExecStart=/usr/bin/env \\\n  something\nRestart=on-failure\n",
		"/etc/systemd/system/web.service.d/override.conf":  "[Service]\nRestart=no\n",
		"/sys/fs/cgroup/systemd/system.slice/web.service/": "",
	}), "web systemd web.service!")
	if strings.Contains(r.Findings[0].What, "Restart=") {
		t.Errorf("the drop-in was not read: %+v", r.Findings[0])
	}
}

func TestTimers(t *testing.T) {
	expect(t, map[string]string{
		"/run/systemd/system/":                "",
		"/lib/systemd/system/nightly.timer":   "[Timer]\nOnCalendar=daily\nUnit=night.service\n",
		"/lib/systemd/system/night.service":   "[Service]\nExecStart=/bin/sh -c 'systemctl restart cache'\n",
		"/lib/systemd/system/off.timer":       "[Timer]\nOnCalendar=daily\n",
		"/lib/systemd/system/off.service":     "[Service]\nExecStart=systemctl restart cache\n",
		"/lib/systemd/system/guarded.timer":   "[Timer]\nOnCalendar=daily\n",
		"/lib/systemd/system/guarded.service": "[Service]\nExecStart=/usr/bin/supctl guard web -- /srv/web/bin/web --port 8080\n",

		"/etc/systemd/system/timers.target.wants/nightly.timer": "-> x",
		"/etc/systemd/system/timers.target.wants/guarded.timer": "-> x",
	}, "cache timer nightly.timer!", "web timer guarded.timer")
}

func TestCron(t *testing.T) {
	r := expect(t, map[string]string{
		"/etc/crontab":                  "SHELL=/bin/sh\n17 * * * * root /srv/web/bin/web --port 8080 >/dev/null\n# 1 1 * * * root /srv/web/bin/web --port 8080\n",
		"/etc/cron.d/app":               "*/5 * * * * root pgrep redis-server || service redis-server restart\n@reboot root sleep 5\n1 2 3 4 5 root /srv/web/bin/web --port 9090\n",
		"/var/spool/cron/crontabs/ann":  "0 3 * * * systemctl try-restart web.service\n0 4 * * * supctl restart cache\n0 5 * * * systemctl status web\n",
		"/etc/cron.daily/rotate":        "#!/bin/sh\nsleep 1000\n/etc/init.d/redis-server force-reload\n",
		"/etc/cron.daily/.placeholder":  "/srv/web/bin/web --port 8080\n",
		"/etc/cron.daily/old.dpkg-dist": "/srv/web/bin/web --port 8080\n",
	}, "cache cron app!", "cache cron rotate!", "cache cron ann", "nap cron rotate!", "web cron crontab!", "web cron ann!")
	for _, f := range r.Findings {
		if f.Line == 0 {
			t.Errorf("no line: %+v", f)
		}
	}
}

func TestRunit(t *testing.T) {
	expect(t, map[string]string{
		"/etc/service/cache/run":      "#!/bin/sh\nexec 2>&1\nexec chpst -u redis /usr/bin/redis-server \\\n /etc/redis/redis.conf\n",
		"/run/service/w/run":          "#!/bin/execlineb -P\n/srv/web/bin/web --port 8080\n",
		"/service/down/run":           "#!/bin/sh\n/srv/web/bin/web --port 8080\n",
		"/service/down/down":          "",
		"/etc/service/syslog/run":     "#!/bin/sh\nexec svlogd\n",
		"/etc/service/commented/run":  "#!/bin/sh\n# /srv/web/bin/web --port 8080\n",
		"/etc/service/directory/run/": "",
	}, "cache runit cache!", "web runit w!")
}

func TestDocker(t *testing.T) {
	container := func(id, name, path, args, policy string, files map[string]string) {
		dir := "/var/lib/docker/containers/" + id
		files[dir+"/config.v2.json"] = `{"Name":"/` + name + `","Path":"` + path + `","Args":[` + args + `],"Config":{"Image":"x"}}`
		files[dir+"/hostconfig.json"] = `{"RestartPolicy":{"Name":"` + policy + `","MaximumRetryCount":0}}`
	}
	files := map[string]string{"/var/lib/docker/containers/broken/config.v2.json": "{"}
	container("1", "cache", "docker-entrypoint.sh", `"redis-server"`, "unless-stopped", files)
	container("2", "x", "/srv/web/bin/web", `"--port","8080"`, "always", files)
	container("3", "web", "sh", ``, "no", files)
	if r := expect(t, files, "cache docker cache!", "web docker x!"); len(r.Unseen) != 1 || !strings.Contains(r.Unseen[0], "broken") {
		t.Errorf("unseen: %q", r.Unseen)
	}
}

func TestPackages(t *testing.T) {
	files := map[string]string{
		"/var/lib/dpkg/info/redis-tools.list":     "/.\n/usr\n/usr/bin\n/usr/bin/redis-check-rdb\n",
		"/var/lib/dpkg/info/redis-tools.postinst": "#!/bin/sh\ninvoke-rc.d redis-server start\n",
		"/var/lib/dpkg/info/coreutils:amd64.list": "/bin/sleep\n",
		"/usr/bin/unattended-upgrade":             "",
		"/etc/apt/apt.conf.d/20auto-upgrades":     "APT::Periodic::Update-Package-Lists \"1\";\nAPT::Periodic::Unattended-Upgrade \"1\";\n",
	}
	expect(t, files, "cache package redis-tools!", "cache unattended-upgrades redis-tools!", "nap unattended-upgrades coreutils!")
	files["/usr/sbin/policy-rc.d"] = "#!/bin/sh\nexit 101\n"
	files["/etc/apt/apt.conf.d/99off"] = "APT::Periodic::Unattended-Upgrade \"0\";\n"
	expect(t, files)
}

// What cannot be looked at is said, and nothing waits: a pipe for a writer, a large file, a directory that is none.
func TestHostileFiles(t *testing.T) {
	root := host(t, map[string]string{
		"/etc/cron.d/large": strings.Repeat("#\n", fileBytesMax), "/etc/cron.hourly": "", "/etc/monit/monitrc": "include /etc/monit/monitrc\ninclude /etc/monit/m*\n",
		"/etc/cron.d/binary": "\x00\xff\n[[[",
	})
	if err := unix.Mkfifo(filepath.Join(root, "etc/crontab"), 0o644); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	r := Look(context.Background(), root, redis())
	if took := time.Since(began); took > LookMax/2 {
		t.Errorf("it took %v", took)
	}
	if len(r.Findings) != 0 || len(r.Unseen) != 1 || !strings.Contains(r.Unseen[0], "large") {
		t.Errorf("%+v", r)
	}
}

// One that comes too late is waited for no longer.
func TestTheTimeIsOver(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if r := Look(ctx, host(t, map[string]string{"/etc/crontab": "1 1 1 1 1 root /srv/web/bin/web --port 8080\n"}), redis()); len(r.Unseen) != len(finders()) {
		t.Errorf("%+v", r)
	}
}
