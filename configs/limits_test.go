package configs

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

func limitsPlan(t *testing.T, text string) *Service {
	t.Helper()
	path := filepath.Join(t.TempDir(), "supd.toml")
	if err := os.WriteFile(path, []byte("[service.db]\ncommand = [\"/bin/db\"]\n"+text), 0o600); err != nil {
		t.Fatal(err)
	}
	plan, mistakes := Load(path, Options{Trust: TrustAny})
	if len(mistakes) > 0 {
		t.Fatal(mistakes.Text())
	}
	return plan.Services["db"]
}

// Every limit arrives in the kernel's unit.
func TestLimitsInTheKernelsUnits(t *testing.T) {
	s := limitsPlan(t, `[service.db.limits]
nofile = "1024:4096"
nproc = 50
core = 0
memlock = "unlimited"
stack = "8M:unlimited"
cpu_time = "1500ms:1m"
rttime = "20ms"
nice = -5
memory = "512M"
swap = 0
cpu = "150%"
tasks = 64
`)
	want := []ProcessLimit{
		{"limits.nofile", unix.RLIMIT_NOFILE, 1024, 4096}, {"limits.nproc", unix.RLIMIT_NPROC, 50, 50},
		{"limits.core", unix.RLIMIT_CORE, 0, 0}, {"limits.memlock", unix.RLIMIT_MEMLOCK, math.MaxUint64, math.MaxUint64},
		{"limits.stack", unix.RLIMIT_STACK, 8 << 20, math.MaxUint64}, {"limits.cpu_time", unix.RLIMIT_CPU, 2, 60},
		{"limits.nice", unix.RLIMIT_NICE, 25, 25}, {"limits.rttime", unix.RLIMIT_RTTIME, 20000, 20000},
	}
	if got := s.Limits.Processes(); !slices.Equal(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	files := map[string]string{"memory.max": "536870912", "memory.high": "", "memory.swap.max": "0", "cpu.max": "150000 100000", "pids.max": "64"}
	for _, l := range s.Limits.Cgroup() {
		if want, ok := files[l.File]; !ok || l.Value != want {
			t.Errorf("%s is %q, want %q", l.File, l.Value, want)
		}
	}
	if none := limitsPlan(t, ""); len(none.Limits.Processes()) != 0 {
		t.Errorf("limits that nobody asked for: %+v", none.Limits.Processes())
	}
}
