package supervisor

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/internal/proc"
)

// journalArgs asks journalctl for a service's output as JSON (journalctl(1)). Without --all, a line of more than 4096 bytes
// comes as null.
func journalArgs(name string, q api.LogQuery) []string {
	args := []string{"journalctl", "--output=json", "--all", "--quiet", "--no-pager", "SYSLOG_IDENTIFIER=" + name}
	if q.Lines >= 0 {
		args = append(args, "--lines="+strconv.Itoa(q.Lines))
	}
	if !q.Since.IsZero() {
		us := q.Since.UnixMicro()
		args = append(args, "--since=@"+strconv.FormatInt(us/1e6, 10)+"."+fraction(us%1e6))
	}
	return args
}

// fraction is so many microseconds as the digits behind a second's point.
func fraction(us int64) string {
	digits := strconv.FormatInt(us, 10)
	return strings.Repeat("0", 6-len(digits)) + digits
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
	if said := bytes.TrimSpace(out.Stderr); len(out.Stdout) == 0 && len(said) > 0 && (!out.Exit.Known || out.Exit.Code != 0) {
		return reply, api.Errorf(api.CodeFailed, "cannot read the journal: %s", said)
	}
	for line := range bytes.SplitSeq(out.Stdout, []byte{'\n'}) {
		if l, ok := journalLine(line); ok {
			reply.Lines = append(reply.Lines, l)
		}
	}
	return reply, nil
}

// followJournal hands on what one journalctl prints, until ctx or supd ends. Who follows slowly makes it wait, and nobody else.
func (s *Supervisor) followJournal(ctx context.Context, name string, q api.LogQuery, each func(api.LogLine) error) error {
	ctx, cancel := s.until(ctx)
	defer cancel()
	var taker error
	err := s.table.Stream(ctx, proc.Command{Argv: append(journalArgs(name, q), "--follow"), Env: os.Environ()}, func(line []byte) error {
		if l, ok := journalLine(line); ok {
			taker = each(l)
		}
		return taker
	})
	if err == nil || taker != nil {
		return taker
	}
	return api.Errorf(api.CodeFailed, "cannot follow the journal: %v", err)
}

// journalLine reads one line of journalctl's JSON. MESSAGE is a list of bytes where it is no text.
func journalLine(line []byte) (api.LogLine, bool) {
	var raw struct {
		Time    string          `json:"__REALTIME_TIMESTAMP"`
		PID     string          `json:"_PID"`
		Message json.RawMessage `json:"MESSAGE"`
	}
	if len(line) == 0 || json.Unmarshal(line, &raw) != nil {
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
