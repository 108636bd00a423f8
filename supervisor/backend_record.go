package supervisor

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/supd/supd/configs"
	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/internal/journal"
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
	if !q.Since.IsZero() {
		return api.LogsReply{}, api.Errorf(api.CodeUsage, "--since needs the journal: a log file (%s) has no times of its own", file)
	}
	lines, _, err := lastLines(file, q.Lines)
	reply := api.LogsReply{Lines: []api.LogLine{}}
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
	lines, at, err := lastLines(file, q.Lines)
	if err != nil {
		return err
	}
	for _, l := range lines {
		if err := each(api.LogLine{Text: l}); err != nil {
			return err
		}
	}
	look := time.NewTicker(followLook)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.done:
			return nil
		case <-look.C:
		}
		if at, err = newLines(file, at, each); err != nil {
			return err
		}
	}
}

// tailBytesMax bounds what is read from the end of a log file for the newest lines.
const tailBytesMax = 4 << 20

// lastLines reads the newest n lines (all that fit into tailBytesMax if n < 0) and gives the offset behind them. A file
// that is not there yet has none.
func lastLines(path string, n int) ([]string, int64, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, api.Errorf(api.CodeFailed, "cannot read the log: %v", err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, 0, api.Errorf(api.CodeFailed, "cannot read the log: %v", err)
	}
	from := max(st.Size()-tailBytesMax, 0)
	text, err := io.ReadAll(io.NewSectionReader(f, from, st.Size()-from))
	if err != nil {
		return nil, 0, api.Errorf(api.CodeFailed, "cannot read the log: %v", err)
	}
	cut := strings.LastIndexByte(string(text), '\n') + 1 // an unfinished line comes with the next look
	lines := strings.Split(strings.TrimSuffix(string(text[:cut]), "\n"), "\n")
	if cut == 0 {
		lines = nil
	}
	if from > 0 && len(lines) > 0 {
		lines = lines[1:] // begins in the middle
	}
	if n >= 0 && len(lines) > n {
		lines = lines[len(lines)-n:]
	}
	return lines, from + int64(cut), nil
}

// newLines gives what was appended since offset at, and the new offset. A file that became shorter begins anew.
func newLines(path string, at int64, each func(api.LogLine) error) (int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return at, nil // not there for now; it may come back
	}
	defer f.Close()
	if st, err := f.Stat(); err == nil && st.Size() < at {
		at = 0
	}
	if _, err := f.Seek(at, io.SeekStart); err != nil {
		return at, nil
	}
	r := bufio.NewReaderSize(f, 64<<10)
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return at, nil
		}
		at += int64(len(line))
		if err := each(api.LogLine{Text: strings.TrimSuffix(line, "\n")}); err != nil {
			return at, err
		}
	}
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
