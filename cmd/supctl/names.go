package main

import "github.com/supd/supd/configs"

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
	names, err := configs.NamesOnly(path)
	a.config = &diskNames{path: path, stamp: names.Stamp(), names: names, err: err}
	return names, err
}
