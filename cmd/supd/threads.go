package main

import (
	"runtime"
	"sync"

	"github.com/supd/supd/supervisor"
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

// spareProcessors gives the runtime one processor more for each fork that may be under way, and returns how many it had. A fork
// keeps the one it is on until the child has executed its program (clone(2) with CLONE_VFORK, which the runtime does not know to
// wait): in a mass crash on a busy host all of them stood still for up to 200 ms at a time, and whoever asked supd for a lock waited.
func spareProcessors() (had int) {
	had = runtime.GOMAXPROCS(0)
	runtime.GOMAXPROCS(had + supervisor.LanesEach*had)
	return had
}
