package proc

import (
	"fmt"
	"os"
	"strconv"
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

// Tree is pid and all its descendants, parents before children, from one look at /proc.
// Empty if pid is gone.
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
