package doctor

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

const monitConf = `check process cache with pidfile /run/redis/redis.pid
  start program = "/etc/init.d/redis-server start"
  stop program = "/etc/init.d/redis-server stop"
check process site matching "web"
  start program = "/srv/web/bin/web --port 8080"
check filesystem rootfs with path /
`

const supervisorConf = `[program:www]
command=/srv/web/bin/web --port 8080 ; the site
autorestart=true
[program:manual]
command=/usr/bin/redis-server /etc/redis/redis.conf
autostart=false
autorestart=false
`

func TestMonit(t *testing.T) {
	expect(t, map[string]string{"/etc/monitrc": "set daemon 30\n" + monitConf}, "cache monit cache!", "web monit site!")
}

func TestSupervisord(t *testing.T) {
	expect(t, map[string]string{"/etc/supervisord.conf": "[supervisord]\n" + supervisorConf}, "web supervisord www!")
}

// With the main files that Debian's packages install, and the real programs as judges of what is included.
func TestDebiansLayout(t *testing.T) {
	read := func(path string) string {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatalf("%v (internal/ci/install.sh installs it)", err)
		}
		return string(b)
	}
	expect(t, map[string]string{
		"/etc/monit/monitrc":                  read("/etc/monit/monitrc"),
		"/etc/monit/conf-enabled/app":         monitConf,
		"/etc/monit/conf-available/x":         "check process web with pidfile /run/web.pid\n",
		"/etc/supervisor/supervisord.conf":    read("/etc/supervisor/supervisord.conf"),
		"/etc/supervisor/conf.d/app.conf":     supervisorConf,
		"/etc/supervisor/conf.d/app.conf.old": "[program:web]\ncommand=/srv/web/bin/web\n",
	}, "cache monit cache!", "web monit site!", "web supervisord www!")

	file := filepath.Join(t.TempDir(), "monitrc")
	if err := os.WriteFile(file, []byte(monitConf), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("monit", "-t", "-c", file).CombinedOutput(); err != nil {
		t.Errorf("monit does not take the test's config: %v\n%s", err, out)
	}
}

// The finders read this very machine without a complaint.
func TestThisHost(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: reads crontabs")
	}
	r := Look(t.Context(), "/", redis())
	if len(r.Unseen) != 0 {
		t.Errorf("unseen: %q", r.Unseen)
	}
}
