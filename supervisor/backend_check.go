package supervisor

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/supd/supd/checks"
	"github.com/supd/supd/configs"
	"github.com/supd/supd/internal/api"
)

// Checks lists checks: those of services, of their own by name, or all.
func (s *Supervisor) Checks(_ context.Context, _ api.Peer, targets []string) (api.ChecksReply, error) {
	if len(targets) == 0 {
		return api.ChecksReply{Checks: s.checks.list(nil)}, nil
	}
	names, err := s.resolve(targets)
	if err != nil {
		return api.ChecksReply{}, err
	}
	return api.ChecksReply{Checks: s.checks.list(names)}, nil
}

// findCheck finds the config of a check, by exact names.
func (s *Supervisor) findCheck(service, name string) (*configs.Check, error) {
	key := checks.Key{Service: service, Name: name}
	if c := s.checks.conf(key); c != nil {
		return c, nil
	}
	var known []string
	for _, c := range s.checks.list(nil) {
		known = append(known, checks.Key{Service: c.Service, Name: c.Name}.String())
	}
	return nil, unknown("check", key.String(), known)
}

// RunCheck looks now. The result is shown and is evidence for nothing.
func (s *Supervisor) RunCheck(ctx context.Context, _ api.Peer, service, name string, _ api.Progress) (api.CheckStatus, error) {
	c, err := s.findCheck(service, name)
	if err != nil {
		return api.CheckStatus{}, err
	}
	r, err := s.checks.scheduler.RunNow(ctx, checks.Key{Service: service, Name: name})
	if err != nil {
		return api.CheckStatus{}, api.Errorf(api.CodeFailed, "%v", err)
	}
	st := checkStatus(c, checks.Status{Last: r})
	st.State = r.Result.State.String()
	return st, nil
}

// CheckHistory is the newest n results of a check.
func (s *Supervisor) CheckHistory(ctx context.Context, _ api.Peer, service, name string, n int) (api.CheckHistoryReply, error) {
	if _, err := s.findCheck(service, name); err != nil {
		return api.CheckHistoryReply{}, err
	}
	return api.CheckHistoryReply{Service: service, Check: name, Results: s.journal.CheckHistory(ctx, service, name, n)}, nil
}

// tryAll runs all checks of a service at once and says which do not pass, each with its reason.
func (w *watching) tryAll(ctx context.Context, service string) []string {
	var keys []checks.Key
	for key := range w.scheduler.Statuses() {
		if key.Service == service {
			keys = append(keys, key)
		}
	}
	answers := make(chan string, len(keys))
	for _, key := range keys {
		go func() { answers <- w.try(ctx, key) }()
	}
	var failing []string
	for range keys {
		if why := <-answers; why != "" {
			failing = append(failing, why)
		}
	}
	slices.Sort(failing)
	return failing
}

// try runs one check and says why it does not pass; "" when it does.
func (w *watching) try(ctx context.Context, key checks.Key) string {
	r, err := w.scheduler.RunNow(ctx, key)
	if err != nil {
		return fmt.Sprintf("check %q: %v", key.Name, err)
	}
	return notPassing(key, r)
}

// notPassing says of a look why it is none that passed.
func notPassing(key checks.Key, r checks.Report) string {
	switch {
	case r.Result.State == checks.OK:
		return ""
	case r.At.IsZero():
		return fmt.Sprintf("check %q has not looked yet", key.Name)
	}
	return fmt.Sprintf("check %q is %s: %s", key.Name, r.Result.State, r.Result.Detail)
}

// precondition finds the check that a service's policy means: one of its own, one that stands alone, or SERVICE/NAME.
func (w *watching) precondition(service, name string) (checks.Key, bool) {
	tried := []checks.Key{{Service: service, Name: name}, {Name: name}}
	if owner, check, ok := strings.Cut(name, "/"); ok {
		tried = append(tried, checks.Key{Service: owner, Name: check})
	}
	for _, key := range tried {
		if w.conf(key) != nil {
			return key, true
		}
	}
	return checks.Key{}, false
}

// preconditionNow says by the last look why a precondition does not pass; "" when it did.
func (w *watching) preconditionNow(service, name string) string {
	key, ok := w.precondition(service, name)
	if !ok {
		return noCheck(service, name)
	}
	st, _ := w.scheduler.Status(key)
	return notPassing(key, st.Last)
}

func noCheck(service, name string) string {
	return fmt.Sprintf("precondition %q of %q is no check", name, service)
}
