// Floor is the bare loop that the benchmark holds supervisors against: fork, exec, wait, again; a goroutine for each service.
//
//	floor PROGRAM SOCKET N
package main

import (
	"fmt"
	"os"
	"strconv"
	"sync"
	"syscall"
)

func main() {
	n, err := strconv.Atoi(os.Args[3])
	if err != nil {
		fmt.Fprintln(os.Stderr, "floor:", err)
		os.Exit(2)
	}
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { respawn([]string{os.Args[1], os.Args[2], fmt.Sprintf("s%d", i)}) })
	}
	all.Wait()
}

func respawn(argv []string) {
	for {
		pid, err := syscall.ForkExec(argv[0], argv, &syscall.ProcAttr{Files: []uintptr{0, 1, 2}})
		if err != nil {
			fmt.Fprintln(os.Stderr, "floor:", err)
			return
		}
		var w syscall.WaitStatus
		for {
			if _, err := syscall.Wait4(pid, &w, 0, nil); err != syscall.EINTR {
				break
			}
		}
	}
}
