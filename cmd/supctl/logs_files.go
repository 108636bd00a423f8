package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/supd/supd/configs"
	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/internal/logfile"
)

// logFiles are the logs of services where no daemon answers: the files that the config names.
type logFiles struct {
	doing    string
	stateDir string
	plan     *configs.Plan // nil: the config cannot be read, and files are where they are by default
	path     string        // of the config
}

// logsOfFiles shows what is in files, because the daemon did not answer: why.
func (a *app) logsOfFiles(ctx context.Context, doing string, why error, args []string, q api.LogQuery, follow bool) error {
	dir, err := a.stateDir()
	if err != nil {
		return err
	}
	src := logFiles{doing: doing, stateDir: dir, path: a.configPath()}
	src.plan, _ = configs.Load(src.path, configs.Options{StateDir: dir})
	names, err := src.services(args)
	if err != nil {
		return err
	}
	var files []string
	for _, name := range names {
		file, err := src.file(name)
		if err != nil {
			return err
		}
		files = append(files, file)
	}
	from := "where " + src.path + " says that it goes"
	if src.plan == nil {
		from = "its usual place, since " + src.path + " cannot be read"
	}
	a.hint("%s; read from %s, %s", clean(why.Error()), clean(strings.Join(files, ", ")), clean(from))
	return a.interrupted(doing, a.showLogs(ctx, src, names, q, follow))
}

// services makes services of what was named, as the daemon does.
func (f logFiles) services(args []string) (names []string, err error) {
	add := func(list ...string) {
		for _, name := range list {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	for _, arg := range args {
		group, isGroup := strings.CutPrefix(arg, "@")
		switch {
		case f.plan == nil && isGroup:
			return nil, api.Errorf(api.CodeUnreachable, "cannot %s: no supd answers, and %s, which says who is in %s, cannot be read", f.doing, f.path, arg)
		case f.plan == nil:
			add(arg)
			continue
		}
		known := f.plan.NamesOf()
		members, ok := known.Groups[group]
		if _, is := known.Services[arg]; is && !isGroup {
			members, ok = []string{arg}, true
		} else if !isGroup {
			members, ok = f.instances(arg), true
		}
		if !ok || len(members) == 0 {
			return nil, api.Errorf(api.CodeNotFound, "cannot %s: no supd answers, and %s has no %q", f.doing, f.path, arg)
		}
		add(members...)
	}
	return names, nil
}

// instances are the services that were made of a table with this name.
func (f logFiles) instances(of string) (names []string) {
	for _, s := range f.plan.Services {
		if s.InstanceOf == of {
			names = append(names, s.Name)
		}
	}
	slices.Sort(names)
	return names
}

// file is where a service's output goes.
func (f logFiles) file(name string) (string, error) {
	if f.plan == nil {
		file := configs.DefaultLogFile(f.stateDir, name)
		if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
			return "", api.Errorf(api.CodeUnreachable, "cannot %s: no supd answers, %s, which says where it goes, cannot be read, and there is no %s", f.doing, f.path, file).
				WithNext("--config FILE names the config; in the journal it would be: journalctl -t " + name)
		}
		return file, nil
	}
	to, file := f.plan.Services[name].LogPlace(f.stateDir)
	switch to {
	case configs.LogFile:
		return file, nil
	case configs.LogJournal:
		return "", api.Errorf(api.CodeUnreachable, "cannot %s: no supd answers, and the output of %q goes to the journal", f.doing, name).
			WithNext("journalctl -t " + name)
	}
	return "", api.Errorf(api.CodeFailed, "cannot %s: the output of %q goes to %q, which cannot be read back", f.doing, name, to)
}

// Logs gives the newest lines of a file.
func (f logFiles) Logs(_ context.Context, q api.LogQuery) (api.LogsReply, error) {
	reply := api.LogsReply{Lines: []api.LogLine{}}
	lines, _, err := f.tail(q)
	for _, l := range lines {
		reply.Lines = append(reply.Lines, api.LogLine{Text: l})
	}
	return reply, err
}

// FollowLogs follows a file until ctx ends.
func (f logFiles) FollowLogs(ctx context.Context, q api.LogQuery, each func(api.LogLine) error) error {
	lines, follow, err := f.tail(q)
	if err != nil {
		return err
	}
	line := func(text string) error { return each(api.LogLine{Text: text}) }
	for _, l := range lines {
		if err := line(l); err != nil {
			return err
		}
	}
	if err := follow.Run(ctx, line); err != nil {
		return err
	}
	return ctx.Err()
}

func (f logFiles) tail(q api.LogQuery) ([]string, *logfile.Follower, error) {
	file, err := f.file(q.Service)
	if err != nil {
		return nil, nil, err
	}
	lines, follow, err := logfile.TailSince(file, q.Lines, q.Since)
	var timeless *logfile.TimelessError
	switch {
	case errors.As(err, &timeless):
		return nil, nil, api.Errorf(api.CodeUsage, "%v", err)
	case errors.Is(err, fs.ErrPermission):
		return nil, nil, api.Errorf(api.CodeNotAllowed, "cannot %s: %v", f.doing, err)
	case err != nil:
		return nil, nil, api.Errorf(api.CodeFailed, "cannot %s: %v", f.doing, err)
	}
	return lines, follow, nil
}
