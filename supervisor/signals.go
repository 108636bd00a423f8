package supervisor

import (
	"context"
	"os"
	"strings"
	"time"

	"github.com/supd/supd/configs"
	"github.com/supd/supd/internal/proc"
	"github.com/supd/supd/supervisor/core"
	"github.com/supd/supd/systemd"
)

// Signals are what the program's signals mean. Each channel may be nil.
type Signals struct {
	Reload  <-chan os.Signal
	Upgrade <-chan os.Signal
}

// signals turns what people and systemd send into work, until ctx (supd is told to end) or work ends.
func (s *Supervisor) signals(ctx, work context.Context, sig Signals) {
	if s.upgr != nil && s.upgr.ending {
		s.shutDown()
		return
	}
	for {
		select {
		case <-ctx.Done():
			s.shutDown()
			return
		case <-work.Done():
			return
		case <-sig.Reload:
			go s.reloadBySignal(work)
		case <-sig.Upgrade:
			go func() {
				if err := s.beginUpgrade(work); err != nil {
					s.problem("upgrade", err.Error())
				}
			}()
		}
	}
}

// shutDown begins the end: services stop or are left, as on_exit says. As PID 1, in the demo, and when the host goes
// down they always stop: nothing will be there to adopt them.
func (s *Supervisor) shutDown() {
	plan, _ := s.inForce()
	stop := s.opts.StopOnExit || os.Getpid() == 1 || plan.Daemon.OnExit == configs.ExitStop || s.hostStopping()
	s.log.Info("ending", "services_stop", stop)
	s.send(core.Shutdown{StopServices: stop})
}

// hostStoppingWait bounds the question to systemd; without an answer the host is taken to stay up.
const hostStoppingWait = 2 * time.Second

// hostStopping asks systemd whether the host goes down (systemctl(1): is-system-running prints "stopping").
func (s *Supervisor) hostStopping() bool {
	if !systemd.Booted() {
		return false
	}
	out, err := s.table.Run(context.Background(), proc.Command{
		Argv: []string{"systemctl", "is-system-running"}, Env: os.Environ(), Timeout: hostStoppingWait,
	})
	return err == nil && strings.TrimSpace(string(out.Stdout)) == "stopping"
}
