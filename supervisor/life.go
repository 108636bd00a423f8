package supervisor

import (
	"context"
	"os"
	"time"

	"github.com/supd/supd/internal/api"
)

// LockLife is what shows that the work under a lock goes on. Services' own processes are no sign: what supd runs or has adopted.
func (s *Supervisor) LockLife(ctx context.Context, p api.Peer, id string) (api.Life, error) {
	l, err := s.lockByID(id)
	if err != nil {
		return api.Life{}, err
	}
	view := s.lockView(p.Owner)
	others, dirs := []int{os.Getpid(), p.Owner.PID}, []string(nil)
	for _, name := range s.coveredBy(l) {
		if conf := s.services.conf(name); conf != nil {
			dirs = append(dirs, conf.Directories()...)
		}
		if svc := s.services.get(name); svc != nil && svc.running() != nil {
			others = append(others, svc.running().PID())
		}
	}
	// Beside this goroutine: a directory on a network that hangs, or a process that does, holds up whoever looks at it.
	looked := make(chan api.Life, 1)
	until := time.Now().Add(atWorkWait)
	go func() { looked <- view.Life(l, dirs, others, until) }()
	select {
	case life := <-looked:
		return life, nil
	case <-time.After(atWorkWait):
	case <-ctx.Done():
	}
	return api.Life{Signs: []string{}}, nil
}
