package supervisor

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
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
		s.problem("plan", "cannot put the config in force: "+err.Error()+"; services are watched, and held until it can")
	}
	s.adopt(work)
	if err := s.table.ReapOrphans(); err != nil {
		s.log.Warn("what a service leaves behind may be missed", "err", err)
	}

	unix, err := s.listenAPI()
	if err != nil {
		return err
	}
	tcp, err := s.listenTCP()
	if err != nil {
		unix.Close()
		return err
	}
	server := api.NewServer(api.ServerOptions{Backend: s, Roles: s.roles, Log: s.log})
	go server.Serve(unix)
	var metricsServer *http.Server
	if tcp != nil {
		metricsServer = api.NewPublic(api.PublicOptions{Backend: s})
		go api.ServePublic(metricsServer, tcp)
	}
	s.watchLocks(work)
	go s.signals(ctx, work, signals)
	go s.whenReady(work)

	go s.introduce()
	s.checks.start(work)
	s.loop(work)

	// The end: nothing new begins, what has begun is waited for, history is saved.
	systemd.Stopping()
	close(s.done)
	drained, cancel := context.WithTimeout(context.Background(), drainWait)
	defer cancel()
	if err := s.drain(drained); err != nil {
		s.log.Warn("ending although an action is still in flight; its helper finishes it", "err", err)
	}
	stopped, cancel := context.WithTimeout(context.Background(), apiStopWait)
	defer cancel()
	server.Shutdown(stopped)
	if metricsServer != nil {
		metricsServer.Close()
	}
	stopWork()
	s.closeNotify()
	if err := s.journal.Close(); err != nil {
		s.log.Warn("cannot save the last events", "err", err)
	}
	if s.upgr != nil && s.upgr.next != nil {
		return s.upgr.exec(s, unix, tcp)
	}
	if os.Getpid() != 1 {
		os.Remove(s.plan.API.Socket)
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

// listenTCP opens [api] listen; nil when it is off.
func (s *Supervisor) listenTCP() (net.Listener, error) {
	if s.plan.API.Listen == "" {
		return nil, nil
	}
	if s.upgr != nil && s.upgr.tcp != nil {
		return s.upgr.tcp, nil
	}
	l, err := net.Listen("tcp", s.plan.API.Listen)
	if err != nil {
		return nil, fmt.Errorf("cannot listen for metrics ([api] listen): %w", err)
	}
	return l, nil
}

// whenReady says so once every service has been looked at.
func (s *Supervisor) whenReady(ctx context.Context) {
	for {
		known, all := 0, 0
		if !s.ask(ctx, func(st *core.State) {
			for _, v := range st.Services {
				all++
				if v.Known {
					known++
				}
			}
		}) {
			return
		}
		if known == all && all >= len(s.services.names()) {
			close(s.ready)
			systemd.Ready(fmt.Sprintf("watching %d services", all))
			s.log.Info("ready", "services", all, "socket", s.plan.API.Socket)
			systemd.Watchdog(ctx, func() bool { return s.ask(ctx, func(*core.State) {}) })
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(readyLook):
		}
	}
}

// readyLook is how often a starting supd asks itself whether it is ready.
const readyLook = 5 * time.Millisecond
