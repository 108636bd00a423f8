package supervisor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/supd/supd/configs"
	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/internal/journal"
	"github.com/supd/supd/internal/logfile"
	"github.com/supd/supd/internal/proc"
)

// Events answers a query of the record.
func (s *Supervisor) Events(ctx context.Context, _ api.Peer, q journal.Query) ([]journal.Event, error) {
	list, err := s.journal.Events(ctx, q)
	var damaged *journal.DamagedError
	if errors.As(err, &damaged) { // damaged under our hands: what memory knows is better than nothing
		s.problem("journal", "older events cannot be read: "+err.Error())
		return list, nil
	}
	return list, err
}

// FollowEvents gives the query's events and then new ones until ctx ends.
func (s *Supervisor) FollowEvents(ctx context.Context, _ api.Peer, q journal.Query, each func(journal.Event) error) error {
	ctx, cancel := s.until(ctx)
	defer cancel()
	return s.journal.Follow(ctx, q, each)
}

// until is ctx, ended with supd as well.
func (s *Supervisor) until(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(s.ctx, cancel)
	return ctx, func() { stop(); cancel() }
}

// linesDefault is how many lines logs shows when nobody says how many.
const linesDefault = 100

// logSource finds where a service's output is.
func (s *Supervisor) logSource(name string) (*configs.Service, string, error) {
	name, err := s.one("show the output of", name)
	if err != nil {
		return nil, "", err
	}
	conf := s.services.conf(name)
	if conf == nil {
		return nil, "", api.Errorf(api.CodeFailed, "%q is not in the config any more, so supd does not know where its output goes", name)
	}
	out, err := s.output(conf)
	if err != nil {
		return nil, "", err
	}
	switch configs.LogTo(out.Mode) {
	case configs.LogFile:
		return conf, out.File, nil
	case configs.LogJournal:
		return conf, "", nil
	}
	return nil, "", api.Errorf(api.CodeFailed, "the output of %q goes to %q, which supd cannot read back", name, out.Mode)
}

// Logs gives the newest lines of a service's output.
func (s *Supervisor) Logs(ctx context.Context, p api.Peer, q api.LogQuery) (api.LogsReply, error) {
	conf, file, err := s.logSource(q.Service)
	if err != nil {
		return api.LogsReply{}, err
	}
	if q.Lines == 0 {
		q.Lines = linesDefault
	}
	if file == "" {
		return s.journalLines(ctx, conf.Name, q)
	}
	reply := api.LogsReply{Lines: []api.LogLine{}}
	lines, _, err := tailSince(file, q)
	if err != nil {
		return reply, err
	}
	for _, l := range lines {
		reply.Lines = append(reply.Lines, api.LogLine{Text: l})
	}
	return reply, err
}

// followLook is how often a followed file is looked at for more.
const followLook = 200 * time.Millisecond

// FollowLogs gives the newest lines and then what is written, until ctx ends.
func (s *Supervisor) FollowLogs(ctx context.Context, p api.Peer, q api.LogQuery, each func(api.LogLine) error) error {
	conf, file, err := s.logSource(q.Service)
	if err != nil {
		return err
	}
	if q.Lines == 0 {
		q.Lines = linesDefault
	}
	if file == "" {
		return s.followJournal(ctx, conf.Name, q, each)
	}
	lines, follow, err := tailSince(file, q)
	if err != nil {
		return err
	}
	line := func(text string) error { return each(api.LogLine{Text: text}) }
	for _, l := range lines {
		if err := line(l); err != nil {
			return err
		}
	}
	look := time.NewTicker(followLook)
	defer look.Stop()
	for {
		more, err := follow.More(line)
		if err != nil {
			return err
		}
		if more && ctx.Err() == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.done:
			return nil
		case <-look.C:
		}
	}
}

// tailSince reads the newest lines of a log file, and gives who goes on behind them.
func tailSince(file string, q api.LogQuery) ([]string, *logfile.Follower, error) {
	n := q.Lines
	if !q.Since.IsZero() {
		n = -1
	}
	lines, follow, err := logfile.Tail(file, n)
	if err != nil {
		return nil, nil, api.Errorf(api.CodeFailed, "%v", err)
	}
	if q.Since.IsZero() {
		return lines, follow, nil
	}
	since, known := logfile.Since(lines, q.Since)
	if !known {
		return nil, nil, api.Errorf(api.CodeUsage, "--since needs lines that begin with a time, and none of %s does; use -n", file)
	}
	if q.Lines >= 0 && len(since) > q.Lines {
		since = since[len(since)-q.Lines:]
	}
	return since, follow, nil
}

// journalArgs asks journalctl for a service's output as JSON (journalctl(1)).
func journalArgs(name string, q api.LogQuery) []string {
	args := []string{"journalctl", "--output=json", "--quiet", "--no-pager", "SYSLOG_IDENTIFIER=" + name}
	if q.Lines >= 0 {
		args = append(args, "--lines="+strconv.Itoa(q.Lines))
	}
	if !q.Since.IsZero() {
		args = append(args, "--since=@"+strconv.FormatInt(q.Since.Unix(), 10))
	}
	return args
}

// journalWait bounds one run of journalctl, journalBytesMax what it may print.
const (
	journalWait     = 20 * time.Second
	journalBytesMax = 16 << 20
)

func (s *Supervisor) journalLines(ctx context.Context, name string, q api.LogQuery) (api.LogsReply, error) {
	reply := api.LogsReply{Lines: []api.LogLine{}}
	out, err := s.table.Run(ctx, proc.Command{
		Argv: journalArgs(name, q), Env: os.Environ(), Timeout: journalWait, OutputBytesMax: journalBytesMax,
	})
	if err != nil {
		return reply, api.Errorf(api.CodeFailed, "cannot read the journal: %v", err)
	}
	for line := range strings.SplitSeq(string(out.Stdout), "\n") {
		if l, ok := journalLine(line); ok {
			reply.Lines = append(reply.Lines, l)
		}
	}
	return reply, nil
}

// followJournal looks for more with journalctl's cursor-less --since at each look: the journal has no other way without
// its library.
func (s *Supervisor) followJournal(ctx context.Context, name string, q api.LogQuery, each func(api.LogLine) error) error {
	var last time.Time
	for {
		reply, err := s.journalLines(ctx, name, q)
		if err != nil {
			return err
		}
		for _, l := range reply.Lines {
			if l.Time != nil && !l.Time.After(last) {
				continue
			}
			if l.Time != nil {
				last = *l.Time
			}
			if err := each(l); err != nil {
				return err
			}
		}
		q.Lines = -1
		q.Since = last
		if last.IsZero() {
			q.Since = time.Now().Add(-time.Second)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.done:
			return nil
		case <-time.After(journalFollowLook):
		}
	}
}

const journalFollowLook = time.Second

// journalLine reads one line of journalctl's JSON. MESSAGE is a list of bytes where it is no text.
func journalLine(line string) (api.LogLine, bool) {
	var raw struct {
		Time    string          `json:"__REALTIME_TIMESTAMP"`
		PID     string          `json:"_PID"`
		Message json.RawMessage `json:"MESSAGE"`
	}
	if line == "" || json.Unmarshal([]byte(line), &raw) != nil {
		return api.LogLine{}, false
	}
	l := api.LogLine{}
	if us, err := strconv.ParseInt(raw.Time, 10, 64); err == nil {
		t := time.UnixMicro(us)
		l.Time = &t
	}
	l.PID, _ = strconv.Atoi(raw.PID)
	var numbers []byte
	var list []int
	switch {
	case json.Unmarshal(raw.Message, &l.Text) == nil:
	case json.Unmarshal(raw.Message, &list) == nil:
		for _, n := range list {
			numbers = append(numbers, byte(n))
		}
		l.Text = string(numbers)
	default:
		return l, false
	}
	return l, true
}

// watchLocks tells the core when lock or hold files change, whoever changed them. Without inotify supd still honours every
// lock, since the gate reads the files; only status and shielding learn of it late.
func (s *Supervisor) watchLocks(ctx context.Context) {
	w, err := s.dir.Watch(ctx)
	if err != nil {
		s.problem("watch", fmt.Sprintf("cannot watch the lock files: %v; locks hold all the same, but are noticed only when supd would act", err))
		return
	}
	go func() {
		for range w.C {
			change := w.Take()
			names := change.Services
			if change.All {
				names = s.services.names()
			}
			s.holdsChanged(s.withInstances(names))
		}
	}()
}
