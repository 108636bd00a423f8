package systemd

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// verify runs systemd-analyze on the unit. It exits 0 on unknown keys, so what
// it says counts, not how it ends.
func verify(t *testing.T, unit string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// The program and the manual are not installed here; lines keep their numbers.
	unit = strings.Replace(unit, "/usr/local/bin/supd ", self+" ", 1)
	unit = strings.Replace(unit, "Documentation=man:supd(8) man:supctl(1)\n", "\n", 1)
	path := filepath.Join(t.TempDir(), "supd.service")
	if err := os.WriteFile(path, []byte(unit), 0o644); err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd := exec.Command("systemd-analyze", "verify", path)
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		t.Logf("systemd-analyze: %v", err)
		return err.Error() + stderr.String()
	}
	return strings.ReplaceAll(stderr.String(), path, "supd.service")
}

// unknownBefore253 is what an older systemd says about the type that the unit
// asks for; it then keeps the type of the line before.
const unknownBefore253 = "Failed to parse service type, ignoring: notify-reload"

// unknownBefore254 is what it says about the cgroup for supd itself.
const unknownBefore254 = "Unknown key 'DelegateSubgroup' in section [Service], ignoring."

// expected is what this machine's systemd may say: nothing, or what it ignores.
func expected(t *testing.T, text string) string {
	t.Helper()
	out, err := exec.Command("systemd-analyze", "--version").Output()
	if err != nil {
		t.Fatal(err)
	}
	var version int
	if _, err := fmt.Sscanf(string(out), "systemd %d", &version); err != nil {
		t.Fatalf("systemd-analyze --version says %q", out)
	}
	said := ""
	for _, line := range [...]struct {
		before        int
		about, answer string
	}{{253, "Type=notify-reload", unknownBefore253}, {254, "DelegateSubgroup=", unknownBefore254}} {
		if version < line.before {
			said += fmt.Sprintf("supd.service:%d: %s\n", 1+strings.Count(text[:strings.Index(text, "\n"+line.about)+1], "\n"), line.answer)
		}
	}
	return said
}

func unit(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("supd.service")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestUnitVerifies(t *testing.T) {
	if said, want := verify(t, unit(t)), expected(t, unit(t)); said != want {
		t.Errorf("systemd-analyze verify says:\n%s\nwant:\n%s", said, want)
	}
	if said := verify(t, strings.Replace(unit(t), "KillMode=", "KilMode=", 1)); !strings.Contains(said, "KilMode") {
		t.Error("a mistyped key passes: this test cannot fail")
	}
}

// Each of these carries a promise; see the comment beside it in the unit.
func TestUnitKeepsItsPromises(t *testing.T) {
	text := unit(t)
	for line, promise := range map[string]string{
		"Type=notify-reload":              "systemctl reload waits for the reload",
		"RequiresMountsFor=/var/lib/supd": "an unmounted state directory is not an empty one",
		"KillMode=process":                "services outlive supd",
		"Delegate=yes":                    "a cgroup for each service",
		"DelegateSubgroup=supd":           "limits of whole services",
		"Restart=always":                  "supd comes back",
		"WatchdogSec=30s":                 "a hung supd is noticed",
		"RuntimeDirectoryPreserve=yes":    "a restart finds the processes again",
		"StateDirectory=supd":             "the state directory exists at the first start",
		"StartLimitIntervalSec=0":         "systemd never gives up",
		"ExecStart=/usr/local/bin/supd --config /etc/supd/supd.toml": "the program",
	} {
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("%s is missing: %s", line, promise)
		}
	}
}
