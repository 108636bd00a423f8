package supervisor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/supd/supd/configs"
	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/supervisor/core"
	"github.com/supd/supd/systemd"
)

const (
	apiStopWait = 2 * time.Second // for answers under way when supd ends
	drainWait   = 2 * time.Minute // for actions under way when supd ends or is replaced
)

// run is supd from the first look at a process to its end.
func (s *Supervisor) run(ctx context.Context, signals Signals) error {
	work, stopWork := context.WithCancel(context.Background())
	defer stopWork()
	s.ctx = work

	s.core = core.New(seed(), s.plan.Daemon.Mode == configs.ModeObserve)
	if s.upgr != nil && s.upgr.core != nil {
		s.core = s.upgr.core
		s.requests.last = s.upgr.lastRequest()
	}
	if err := s.enforce(work, s.plan); err != nil {
		s.unenforced(err)
	}
	s.adopt(work)
	if err := s.table.ReapOrphans(); err != nil {
		s.log.Warn("what a service leaves behind may be missed", "err", err)
	}

	tcp := s.listenTCP()
	server := api.NewServer(api.ServerOptions{Backend: s, Roles: s.roles, Log: s.log})
	go func() {
		// Who asks earlier waits in the socket's queue: a supd that does not know its services yet would answer that there
		// are none, and that all is well.
		select {
		case <-s.ready:
		case <-s.done:
		}
		if err := server.Serve(s.unix); err != nil {
			s.problem("api", "cannot answer supctl any more: "+err.Error())
		}
	}()
	var metricsServer *http.Server
	if tcp != nil {
		metricsServer = api.NewPublic(api.PublicOptions{Backend: s})
		go func() {
			if err := api.ServePublic(metricsServer, tcp); err != nil && !errors.Is(err, http.ErrServerClosed) {
				s.problem("metrics", "cannot answer on [api] listen any more: "+err.Error())
			}
		}()
	}
	s.watchLocks(work)
	go s.rotation.run(work)
	go s.remindOverdue(work)
	go s.watchStrays(work)
	go s.signals(ctx, work, signals)
	go s.whenReady(work)
	s.unseen = map[string]bool{}
	for _, name := range s.services.names() {
		// What the program before an upgrade knew needs no first look, and may get none.
		if v := s.core.Services[name]; v == nil || !v.Known {
			s.unseen[name] = true
		}
	}
	s.lookedAt("")
	go s.introduce(s.unfinished())
	s.finishStops()
	s.checks.start(work)
	go s.lookForLocks(work)
	go s.tidyBefore()
	go s.beginJobs(work)
	s.loop(work)

	// The end: nothing new begins, what has begun is waited for, history is saved.
	systemd.Stopping()
	close(s.done)
	drained, cancel := context.WithTimeout(context.Background(), drainWait)
	defer cancel()
	if err := s.drain(drained); err != nil {
		s.log.Warn("ending although an action is still in flight; its helper finishes it", "err", err)
	}
	if s.upgr != nil && s.upgr.next != nil {
		s.upgr.keep(s.unix, tcp)
	}
	stopped, cancel := context.WithTimeout(context.Background(), apiStopWait)
	defer cancel()
	_ = server.Shutdown(stopped) // what is left after the wait is closed
	if metricsServer != nil {
		metricsServer.Close()
	}
	stopWork()
	s.closeNotify()
	if err := s.journal.Close(); err != nil {
		s.log.Warn("cannot save the last events", "err", err)
	}
	if s.upgr != nil && s.upgr.next != nil {
		return s.upgr.exec(ctx, s)
	}
	if s.cgroups != nil {
		// An error is a cgroup that is populated: it stays where the next supd looks.
		_ = s.cgroups.Tidy()
	}
	return nil
}

// seed is where jitter starts: different on every start, and only there.
func seed() uint64 { return uint64(time.Now().UnixNano()) }

// listenAPI gives the API's socket: the one an earlier program of this process had, or a new one.
func (s *Supervisor) listenAPI() (*net.UnixListener, error) {
	if s.upgr != nil && s.upgr.unix != nil {
		return s.upgr.unix, nil
	}
	return api.Listen(s.plan.API.Socket)
}

// portWait is how long a port may still belong to the child that a killed supd was forking.
const (
	portWait  = time.Second
	portRetry = 20 * time.Millisecond
)

// listenTCP opens [api] listen; nil when it is off. Anybody may have taken the port meanwhile: that costs the metrics, and
// must not cost the services their supervisor.
func (s *Supervisor) listenTCP() net.Listener {
	if s.plan.API.Listen == "" {
		return nil
	}
	if s.upgr != nil && s.upgr.tcp != nil {
		return s.upgr.tcp
	}
	l, err := net.Listen("tcp", s.plan.API.Listen)
	for end := time.Now().Add(portWait); errors.Is(err, syscall.EADDRINUSE) && time.Now().Before(end); l, err = net.Listen("tcp", s.plan.API.Listen) {
		time.Sleep(portRetry)
	}
	if err != nil {
		s.problem("metrics", fmt.Sprintf("no metrics: cannot listen on [api] listen: %v; free the address, then supctl upgrade", err))
		return nil
	}
	return l
}

// whenReady says so once every service has been looked at, and then keeps systemd's watchdog.
func (s *Supervisor) whenReady(ctx context.Context) {
	select {
	case <-ctx.Done():
		return
	case <-s.ready:
	}
	plan, _ := s.inForce()
	systemd.Ready(fmt.Sprintf("watching %d services", len(plan.Services)))
	s.log.Info("ready", "services", len(plan.Services), "socket", plan.API.Socket)
	systemd.Watchdog(ctx, func() bool { return s.ask(ctx, func(*core.State) {}) })
}

// lookedAt notes that a service was looked at; the last one makes supd ready. Called by the loop.
func (s *Supervisor) lookedAt(name string) {
	if s.unseen == nil {
		return
	}
	delete(s.unseen, name)
	if len(s.unseen) == 0 {
		s.unseen = nil
		close(s.ready)
	}
}
