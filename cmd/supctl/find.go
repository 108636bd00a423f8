package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/supd/supd/configs"
	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/internal/where"
)

// defaultStateDir is where supd keeps its state unless config or flags say
// otherwise.
const defaultStateDir = "/var/lib/supd"

// locate tells which socket to ask.
func (a *app) locate() (where.Place, error) {
	if a.place != nil {
		return *a.place, nil
	}
	p, err := where.Search{Flag: a.flags.socket, Env: a.env, UID: a.uid, System: where.SystemRunDir}.Find()
	// A config that the user named says which supd is meant, better than a search does.
	if !p.Said && a.flags.config != "" {
		if names, _ := a.namesOf(a.flags.config); names.RunDir != "" {
			p, err = where.Place{Socket: where.Socket(names.RunDir), RunDir: names.RunDir, How: "--config"}, nil
		}
	}
	if err != nil {
		return p, &api.NotReachableError{Socket: p.Socket, Cause: err}
	}
	a.place = &p
	return p, nil
}

// client is for the daemon, if the one that was found is the one that is meant.
func (a *app) client() (*api.Client, error) {
	p, err := a.locate()
	if err != nil {
		return nil, err
	}
	meant := a.flags.stateDir
	if meant == "" || p.Said {
		return a.hearing(p.Socket), nil
	}
	// Another supd's answer, or its lock, would be about other services.
	has, err := where.StateDir(p.RunDir)
	if err != nil {
		return nil, &api.NotReachableError{Socket: p.Socket, Cause: fmt.Errorf("cannot tell whether it serves --state-dir %s: %w", meant, err)}
	}
	if !sameDir(has, meant) {
		return nil, &api.NotReachableError{Socket: p.Socket, Cause: fmt.Errorf("it serves %s, not --state-dir %s", has, meant)}
	}
	return a.hearing(p.Socket), nil
}

// hearing is a client that keeps the person's notices, for showNotices.
func (a *app) hearing(socket string) *api.Client {
	c := api.NewClient(socket)
	if a.tells() {
		c.HearNotices(func(all []api.Notice) { a.heard = all })
	}
	return c
}

// sameDir compares directories by what they are, and by name where one does not
// exist: a symbolic link to the state directory is that directory.
func sameDir(a, b string) bool {
	if fa, err := os.Stat(a); err == nil {
		if fb, err := os.Stat(b); err == nil {
			return os.SameFile(fa, fb)
		}
	}
	b, err := filepath.Abs(b)
	return err == nil && filepath.Clean(a) == b
}

// configPath is the config to read when no daemon is asked.
func (a *app) configPath() string {
	if a.flags.config != "" {
		return a.flags.config
	}
	return configs.DefaultPath
}

// stateDir is the state directory to use when no daemon answers. *api.Error when
// a supd was named whose state directory nothing tells.
func (a *app) stateDir() (string, error) {
	if a.flags.stateDir != "" {
		return filepath.Abs(a.flags.stateDir)
	}
	// The daemon left the directory's name for this very case; it is right even if the config has changed since.
	p, err := a.locate()
	if err == nil && p.How != "--config" {
		if dir, err := where.StateDir(p.RunDir); err == nil {
			return dir, nil
		}
	}
	// What else is wrong with the config is no obstacle to its state directory.
	names, _ := a.namesOf(a.configPath())
	// Who names a supd means its state directory. A lock in another one, which that supd never reads, would be believed.
	if p.Said && a.flags.config == "" && !sameDir(orSystem(names.RunDir), p.RunDir) {
		return "", api.Errorf(api.CodeUnknown, "cannot tell which state directory belongs to %s (%s): %s/state-dir does not say", p.Socket, p.How, p.RunDir).
			WithNext("--state-dir DIR names it, or --config FILE its config")
	}
	if names.StateDir != "" {
		return names.StateDir, nil
	}
	return defaultStateDir, nil
}

// orSystem is the run directory of a config that names none.
func orSystem(runDir string) string {
	if runDir == "" {
		return where.SystemRunDir
	}
	return runDir
}

// withoutDaemon is what to try when the daemon is needed and does not answer.
const withoutDaemon = "without supd work: maintenance (all but ready and end with a try-out), guard and motd; config check and show; events; logs that are files"

// ask calls f with the daemon, which has to answer. doing says what for, as in
// "show status".
func (a *app) ask(doing string, f func(*api.Client) error) error {
	c, err := a.client()
	if err == nil {
		err = f(c)
	}
	// What a living daemon says is the answer, also when it is no.
	if err == nil || !api.IsUnreachable(err) {
		return a.interrupted(doing, err)
	}
	return api.Errorf(api.CodeUnreachable, "cannot %s: %v", doing, err).WithNext(withoutDaemon)
}

// interrupted gives a command that was told to end words of its own.
func (a *app) interrupted(doing string, err error) error {
	if errors.Is(err, context.Canceled) {
		return api.Errorf(api.CodeFailed, "cannot %s: interrupted", doing)
	}
	return err
}
