package main

import (
	"runtime"
	"sync"
)

// threadsReserve is how many OS threads are made at the start. Go makes one whenever a system call blocks and no thread is
// free, never gives one back, and dies if the kernel refuses: on a host without processes to spare, which is just when a
// supervisor is needed. Each costs about 17 KB.
const threadsReserve = 48

// reserveThreads has n threads exist at once; they stay, idle, for what blocks later.
func reserveThreads(n int) {
	var there sync.WaitGroup
	there.Add(n)
	release := make(chan struct{})
	for range n {
		go func() {
			runtime.LockOSThread() // a parked goroutine keeps its thread, so the next one needs another
			defer runtime.UnlockOSThread()
			there.Done()
			<-release
		}()
	}
	there.Wait()
	close(release)
}
