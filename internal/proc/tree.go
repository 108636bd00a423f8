package proc

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
)

// Every instance carries these in its environment, so that it is found even if nothing was written about it.
const (
	EnvService    = "SUPD_SERVICE"
	EnvGeneration = "SUPD_GENERATION"
)

// All reads the stat of every process there is. One that goes meanwhile is left out.
func All() ([]Stat, error) {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil, fmt.Errorf("cannot list processes: %w", err)
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, fmt.Errorf("cannot list processes: %w", err)
	}
	var all []Stat
	for _, n := range names {
		if pid, err := strconv.Atoi(n); err == nil {
			if s, err := ReadStat(pid); err == nil {
				all = append(all, s)
			}
		}
	}
	return all, nil
}

// Tree is pid and all its descendants, parents before children, from one look at /proc. Empty if pid is gone.
func Tree(pid int) ([]Stat, error) {
	all, err := All()
	if err != nil {
		return nil, err
	}
	return treeOf(all, pid), nil
}

func treeOf(all []Stat, pid int) []Stat {
	var tree []Stat
	byParent := map[int][]Stat{}
	for _, s := range all {
		if s.PID == pid {
			tree = append(tree, s)
		}
		byParent[s.PPID] = append(byParent[s.PPID], s)
	}
	for i := 0; i < len(tree); i++ {
		tree = append(tree, byParent[tree[i].PID]...)
	}
	return tree
}

// FindMarked finds the living processes whose environment says that they are of this service (any generation if gen is 0),
// oldest first. It sees what supd may see: as root everything, otherwise the user's own. An error means that the list may be short.
func FindMarked(service string, gen uint64) ([]Identity, error) {
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
		if s.State != 'Z' && isMarked(s.PID, service, gen) {
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

// isMarked looks at the environment a process was executed with; one that may not be looked at is nobody's.
func isMarked(pid int, service string, gen uint64) bool {
	env, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
	if err != nil || !hasVar(env, EnvService, service) {
		return false
	}
	return gen == 0 || hasVar(env, EnvGeneration, strconv.FormatUint(gen, 10))
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

// Members finds what is alive of one instance where there is no cgroup to ask: descendants of main, its session, its process
// group, and whatever carries its mark (a grandchild that made its own session). Oldest first; helpers of supd are not members.
func Members(service string, gen uint64, main Identity) ([]Identity, error) {
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
		// The pid may be somebody else's by now; its descendants are ours only if it is not.
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
		// A session or group number stays taken while it has members, so it cannot be a stranger's if its leader is ours or gone.
		ours := in[s.PID] || lead && (s.Session == main.PID || s.PGRP == main.PID) && s.StartTime >= main.StartTime
		if s.State == 'Z' || s.PID == os.Getpid() || !ours && !isMarked(s.PID, service, gen) {
			continue
		}
		found = append(found, Identity{BootID: boot, PID: s.PID, StartTime: s.StartTime})
	}
	slices.SortStableFunc(found, olderFirst)
	return found, nil
}
