package supervisor

import (
	"fmt"
	"os"
	"time"

	"github.com/supd/supd/configs"
	"github.com/supd/supd/internal/who"
	"github.com/supd/supd/supervisor/core"
)

// atWorkWait bounds the look for people at work, which takes milliseconds: a crash is repaired, or held, this much later at
// most, on a host that is very busy or whose directories hang.
const atWorkWait = 2 * time.Second

// somebodyAtWork adds to the end of a stateful service whether a person is at work in its data: then a crash is no reason
// to start it. Not called by the loop: it reads a few files for every process there is.
func (s *Supervisor) somebodyAtWork(conf *configs.Service, exit *core.Exit) {
	if conf == nil || !conf.Stateful || exit.BySupd {
		return
	}
	dirs := conf.Directories()
	if len(dirs) == 0 {
		return
	}
	type answer struct {
		work            who.Work
		found, complete bool
	}
	// Beside this goroutine: a directory on a network that hangs holds up whoever looks at it.
	looked := make(chan answer, 1)
	until := time.Now().Add(atWorkWait)
	go func() {
		var a answer
		a.work, a.found, a.complete = who.AtWork(dirs, []int{os.Getpid()}, until)
		looked <- a
	}()
	var a answer
	select {
	case a = <-looked:
	case <-time.After(atWorkWait):
	}
	switch {
	case a.found:
		exit.AtWork = a.work.Owner.String()
		exit.AtWorkHow = fmt.Sprintf("pid %d %s", a.work.Owner.PID, a.work.How)
	case !a.complete:
		s.log.Warn("could not look at every process for people at work in its data; it is treated as if nobody were", "service", conf.Name, "within", atWorkWait)
	}
}
