package main

import (
	"time"

	"github.com/supd/supd/configs"
)

// diskNames are the names of a config on disk, as they were when its files bore the stamp.
type diskNames struct {
	path, stamp string
	names       configs.Names
	err         error
}

// namesOf is configs.NamesOnly, done again only if a file has changed since: a command without the daemon asks several
// times, and has to see what changed while it waited.
func (a *app) namesOf(path string) (configs.Names, error) {
	if c := a.config; c != nil && c.path == path && c.stamp != "" && c.stamp == c.names.Stamp() {
		return c.names, c.err
	}
	began := time.Now()
	names, err := configs.NamesOnly(path)
	a.config = &diskNames{path: path, stamp: names.StampAt(began), names: names, err: err}
	return names, err
}

// whole is the config on disk, read again only if a file has changed since. From any goroutine.
func (d *direct) whole() (*configs.Plan, error) {
	d.reading.Lock()
	defer d.reading.Unlock()
	if d.read != nil && d.stamp != "" && d.stamp == d.read.Stamp() {
		return d.read, nil
	}
	began := time.Now()
	plan, mistakes := configs.Load(d.config, configs.Options{StateDir: d.dir.Path()})
	if len(mistakes) > 0 {
		return nil, mistakes[0:1].Err()
	}
	d.read, d.stamp = plan, plan.StampAt(began)
	return plan, nil
}
