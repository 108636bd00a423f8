package proc

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

// Every instance carries these in its environment, so that what it forked is found even
// where there is no cgroup.
const (
	EnvDaemon     = "SUPD_DAEMON"
	EnvService    = "SUPD_SERVICE"
	EnvGeneration = "SUPD_GENERATION"
)

// Mark names an instance of a service in its environment.
type Mark struct {
	Daemon  string // DaemonOf its state directory. Two supds may both have a service "web"
	Service string
	Gen     uint64 // 0: any, for searching
}

// DaemonOf is a short name for the supd of a state directory.
func DaemonOf(stateDir string) string {
	if abs, err := filepath.Abs(stateDir); err == nil {
		stateDir = abs
	}
	sum := sha256.Sum256([]byte(stateDir))
	return hex.EncodeToString(sum[:4])
}

// Environ is the mark as environment variables.
func (m Mark) Environ() []string {
	return []string{EnvDaemon + "=" + m.Daemon, EnvService + "=" + m.Service, EnvGeneration + "=" + strconv.FormatUint(m.Gen, 10)}
}

// FindMarked finds the living processes that carry the mark, oldest first. It sees what
// supd may see: as root everything, otherwise the user's own.
func FindMarked(m Mark) ([]Identity, error) {
	boot, err := BootID()
	if err != nil {
		return nil, err
	}
	all, err := All()
	if err != nil {
		return nil, err
	}
	var found []Identity
	for _, s := range all {
		if s.State != 'Z' && m.on(s.PID) {
			found = append(found, Identity{BootID: boot, PID: s.PID, StartTime: s.StartTime})
		}
	}
	slices.SortStableFunc(found, olderFirst)
	return found, nil
}

func olderFirst(a, b Identity) int {
	if a.StartTime != b.StartTime {
		return int(int64(a.StartTime - b.StartTime))
	}
	return a.PID - b.PID
}

// on looks at the environment a process was executed with; one that may not be looked
// at is nobody's.
func (m Mark) on(pid int) bool {
	env, err := environ(pid)
	if err != nil || !hasVar(env, EnvDaemon, m.Daemon) || !hasVar(env, EnvService, m.Service) {
		return false
	}
	return m.Gen == 0 || hasVar(env, EnvGeneration, strconv.FormatUint(m.Gen, 10))
}

// MarkOf is the mark that a process was executed with; a program that supd runs beside an instance has no daemon in it. ok
// is false for one without, and one that may not be looked at.
func MarkOf(pid int) (m Mark, ok bool) {
	env, err := environ(pid)
	if err != nil {
		return m, false
	}
	for v := range bytes.SplitSeq(env, []byte{0}) {
		if rest, found := bytes.CutPrefix(v, []byte(EnvDaemon+"=")); found {
			m.Daemon = string(rest)
		}
		if rest, found := bytes.CutPrefix(v, []byte(EnvService+"=")); found {
			m.Service = string(rest)
		}
	}
	return m, m.Service != ""
}

// executeLooks bounds the wait for a program that is being loaded, perhaps from a slow disk: so many looks, a millisecond
// apart. Time alone would be over after one look on a machine where the reader does not get a processor.
const executeLooks = 200

// environ is the environment pid was executed with. A process that is found in the
// middle of execve(2) is waited for: it would seem to have none. So emptiness counts only
// if the process was the same program, wholly loaded, before and after the look.
func environ(pid int) ([]byte, error) {
	var before Stat
	for looks := 1; ; looks++ {
		env, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
		if err != nil || len(env) > 0 {
			return env, err
		}
		after, err := ReadStat(pid)
		if err != nil || !after.executing() && after.envEnd == before.envEnd || looks >= executeLooks {
			return nil, err
		}
		if after.executing() {
			time.Sleep(time.Millisecond)
		}
		before = after
	}
}

func hasVar(env []byte, name, value string) bool {
	want := []byte(name + "=" + value)
	for v := range bytes.SplitSeq(env, []byte{0}) {
		if bytes.Equal(v, want) {
			return true
		}
	}
	return false
}

// Members finds what is alive of one instance where there is no cgroup to ask:
// descendants of main, its session, its process group, and whatever carries its mark (a
// grandchild that made its own session). Oldest first; helpers of supd are not members.
func Members(m Mark, main Identity) ([]Identity, error) {
	boot, err := BootID()
	if err != nil {
		return nil, err
	}
	all, err := All()
	if err != nil {
		return nil, err
	}
	in := map[int]bool{}
	lead := main.BootID == boot && main.PID > 0
	if lead {
		// The pid may be somebody else's by now; its descendants are ours only if it is
		// not.
		if now, err := StartTime(main.PID); err == nil && now == main.StartTime {
			for _, s := range treeOf(all, main.PID) {
				in[s.PID] = true
			}
		} else if err == nil || !errors.Is(err, ErrGone) {
			lead = false
		}
	}
	var found []Identity
	for _, s := range all {
		// A session or group number stays taken while it has members, so it cannot be a
		// stranger's if its leader is ours or gone.
		ours := in[s.PID] || lead && (s.Session == main.PID || s.PGRP == main.PID) && s.StartTime >= main.StartTime
		if s.State == 'Z' || s.PID == os.Getpid() || !ours && !m.on(s.PID) {
			continue
		}
		found = append(found, Identity{BootID: boot, PID: s.PID, StartTime: s.StartTime})
	}
	slices.SortStableFunc(found, olderFirst)
	return found, nil
}
