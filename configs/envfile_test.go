package configs

import (
	"maps"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestReadEnvFile(t *testing.T) {
	dir := write(t, map[string]string{
		"good":   "# comment\n; another\n\nA=1\n C=\"two words\"\nexport D='$HOME'\nE=\nF=a=b\n",
		"space":  "B = x\n",
		"no_eq":  "A=1\njust words\n",
		"bad_id": "1A=hunter2\n",
		"zero":   "A=\x00\n",
	})
	got, err := ReadEnvFile(filepath.Join(dir, "good"))
	want := map[string]string{"A": "1", "C": "two words", "D": "$HOME", "E": "", "F": "a=b"}
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("%v %v, want %v", got, err, want)
	}
	for name, line := range map[string]string{"no_eq": ":2:", "space": ":1:", "bad_id": ":1:", "zero": ":1:"} {
		_, err := ReadEnvFile(filepath.Join(dir, name))
		if err == nil || !strings.Contains(err.Error(), name+line) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, path := range []string{filepath.Join(dir, "none"), dir} {
		if _, err := ReadEnvFile(path); err == nil || !strings.Contains(err.Error(), "cannot read env_file") {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestSignalNumber(t *testing.T) {
	for text, want := range map[string]syscall.Signal{"HUP": syscall.SIGHUP, "sigterm": syscall.SIGTERM, "9": syscall.SIGKILL, "64": 64} {
		if got, err := SignalNumber(text); err != nil || got != int(want) {
			t.Errorf("%s: %d %v", text, got, err)
		}
	}
	for _, text := range []string{"", "0", "65", "-1", "TREM", "SIG"} {
		if got, err := SignalNumber(text); err == nil {
			t.Errorf("%q is taken for %d", text, got)
		}
	}
}

func TestDigestChangesWithWhatAProcessKeeps(t *testing.T) {
	digest := func(more string) string { return plain(t, web+more).Services["web"].Digest() }
	base := digest("")
	for _, tc := range []struct {
		more string
		same bool
	}{
		{"restart.policy = \"always\"", true},
		{"description = \"x\"", true},
		{"stop.timeout = \"1s\"", true},
		{"user = \"www\"", false},
		{"env = { A = \"1\" }", false},
		{"umask = \"077\"", false},
		{"limits = { nofile = 10, memory = \"1G\" }", true}, // given while it runs
		{"limits = { stack = \"1M\" }", false},
		{"limits = { cpu_time = \"1h\" }", false},
		{"ready = \"notify\"", false},
	} {
		if got := digest(tc.more); (got == base) != tc.same {
			t.Errorf("%s: same %t, want %t", tc.more, got == base, tc.same)
		}
	}
}
