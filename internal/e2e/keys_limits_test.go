package e2e

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// Every limit of a process, as the kernel shows it of the living one. (Raising one, as limits.nice would, takes rights
// that a container need not have.)
func TestKeysOfLimits(t *testing.T) {
	t.Parallel()
	// No Go program: those raise their soft limit of open files themselves.
	d := started(t, quick+`
[service.web]
command = ["/bin/sleep", "1000"]
ready = "delay:1ms"
limits = { nofile = "300:400", nproc = "5000:6000", core = 0, memlock = "4K:8K", stack = "4M:8M", as = "16G:32G", data = "8G", fsize = "512M:1G", cpu_time = "1h:2h", sigpending = 100, msgqueue = "4K", rtprio = 0, rttime = "1s:2s" }
`)
	got := limitsOf(t, d.waitState("web", "up").PID)
	for name, want := range map[string]string{
		"Max open files": "300:400", "Max processes": "5000:6000", "Max core file size": "0:0", "Max locked memory": "4096:8192",
		"Max stack size": "4194304:8388608", "Max address space": "17179869184:34359738368", "Max data size": "8589934592:8589934592",
		"Max file size": "536870912:1073741824", "Max cpu time": "3600:7200", "Max pending signals": "100:100", "Max msgqueue size": "4096:4096",
		"Max realtime priority": "0:0", "Max realtime timeout": "1000000:2000000",
	} {
		if got[name] != want {
			t.Errorf("%s is %s, want %s", name, got[name], want)
		}
	}
}

// limitsOf are the limits of a living process, by the names that the kernel has for them, as SOFT:HARD.
func limitsOf(t *testing.T, pid int) map[string]string {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", pid))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, line := range strings.Split(string(b), "\n") {
		const nameWidth = 26 // proc(5) does not say; fs/proc/base.c does
		if len(line) > nameWidth {
			f := strings.Fields(line[nameWidth:])
			got[strings.TrimSpace(line[:nameWidth])] = f[0] + ":" + f[1]
		}
	}
	return got
}
