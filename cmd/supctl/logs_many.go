package main

import (
	"context"
	"hash/fnv"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/internal/logfile"
)

// namedLine is a line of one of several services.
type namedLine struct {
	Service string `json:"service"`
	api.LogLine
	at time.Time // from the journal or its own text; zero: as the line before
}

// logServices makes services of what was named: groups become their members, names of several instances the instances.
func (a *app) logServices(ctx context.Context, c *api.Client, names []string) ([]string, error) {
	reply, err := c.Status(ctx, names)
	switch {
	case err != nil && len(names) == 1 && api.CodeOf(err) == api.CodeNotFound:
		return names, nil // what is asked next says what is wrong with it
	case err != nil:
		return nil, err
	}
	var list []string
	for _, s := range reply.Services {
		list = append(list, s.Name)
	}
	return list, nil
}

// logsOfMany shows what several services wrote, in the order of time.
func (a *app) logsOfMany(ctx context.Context, src logSource, names []string, q api.LogQuery) error {
	var lines []namedLine
	for _, name := range names {
		q.Service = name
		r, err := src.Logs(ctx, q)
		if err != nil {
			return err
		}
		var last time.Time
		for _, l := range r.Lines {
			n := lineOf(name, l, last)
			last = n.at
			lines = append(lines, n)
		}
	}
	// Stable: lines without a time stay behind the one that they belong to.
	slices.SortStableFunc(lines, func(a, b namedLine) int { return a.at.Compare(b.at) })
	if q.Lines >= 0 && len(lines) > q.Lines {
		lines = lines[len(lines)-q.Lines:]
	}
	if a.json() {
		return a.writeJSON(a.out, struct {
			Lines []namedLine `json:"lines"`
		}{append([]namedLine{}, lines...)})
	}
	for _, l := range lines {
		if err := a.writeNamedLine(l, widest(names)); err != nil {
			return err
		}
	}
	return nil
}

// followMany follows several services until ctx ends or one of them cannot be followed. Lines are shown as they come.
func (a *app) followMany(ctx context.Context, src logSource, names []string, q api.LogQuery) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var writing sync.Mutex
	var all sync.WaitGroup
	for _, name := range names {
		mine := q
		mine.Service = name
		all.Go(func() {
			err := src.FollowLogs(ctx, mine, func(l api.LogLine) error {
				writing.Lock()
				defer writing.Unlock()
				return a.writeNamedLine(lineOf(name, l, time.Time{}), widest(names))
			})
			if err != nil {
				cancel(err)
			}
		})
	}
	all.Wait()
	return context.Cause(ctx)
}

func lineOf(service string, l api.LogLine, last time.Time) namedLine {
	n := namedLine{Service: service, LogLine: l, at: last}
	if l.Time != nil {
		n.at = *l.Time
	} else if t, ok := logfile.Time(l.Text); ok {
		n.at = t
	}
	return n
}

// writeNamedLine shows a line behind the name of its service, each name in a colour of its own.
func (a *app) writeNamedLine(l namedLine, width int) error {
	if a.json() {
		return a.writeJSON(a.out, l)
	}
	name := clean(l.Service)
	name += strings.Repeat(" ", max(width-len(name), 0))
	if a.colour() {
		h := fnv.New32a()
		h.Write([]byte(l.Service))
		name = nameColours[h.Sum32()%uint32(len(nameColours))] + name + colourOff
	}
	if l.Time != nil {
		name += " " + l.Time.Local().Format("2006-01-02 15:04:05")
	}
	a.say("%s | %s", name, cleanText(l.Text))
	return nil
}

// nameColours are told apart on dark and on light ground; none of them means that something is wrong (ECMA-48, SGR).
var nameColours = [...]string{"\x1b[36m", "\x1b[34m", "\x1b[35m", "\x1b[32m", "\x1b[96m", "\x1b[94m", "\x1b[95m", "\x1b[92m"}

const colourOff = "\x1b[0m"

func widest(names []string) (n int) {
	for _, name := range names {
		n = max(n, len(name))
	}
	return n
}
