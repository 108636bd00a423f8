package who

import (
	"os"
	"path/filepath"
	"strconv"
)

// LiveSessions are the audit sessions that any process belongs to: signs of
// life of the people who hold locks. It reads one file per process.
func LiveSessions() (map[string]bool, error) {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	live := map[string]bool{}
	for _, n := range names {
		if _, err := strconv.Atoi(n); err != nil {
			continue
		}
		// A process that ended meanwhile belongs to no session.
		if s, err := readAudit(filepath.Join("/proc", n, "sessionid")); err == nil && s != unset {
			live[strconv.FormatInt(s, 10)] = true
		}
	}
	return live, nil
}
