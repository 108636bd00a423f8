package stray

import (
	"path/filepath"
	"slices"
	"strings"
)

// Likeness is how much a process looks like a service.
type Likeness int

// See the package.
const (
	Other Likeness = iota
	Alike
	Same
)

// Like compares; p keeps what it found out for the next one. Cheap for what runs another program.
func (w *Want) Like(p *Program) Likeness {
	if p.Exe != w.Exe || len(p.Argv) == 0 || !p.sameFile() {
		return Other
	}
	args := p.Argv[1:]
	if w.Script != "" {
		var ok bool
		if args, ok = p.rest(w.Script); !ok {
			return Other
		}
	} else if !w.called(p) {
		return Other
	}
	if slices.Equal(args, w.Args) {
		return Same
	}
	if !w.dedicated && len(w.telling) == 0 {
		return Other
	}
	for _, t := range w.telling {
		// A title ("nginx: master process nginx -c /etc/nginx.conf") is one text.
		if !slices.Contains(args, t) && !(len(args) == 0 && strings.Contains(p.Argv[0], t)) {
			return Other
		}
	}
	return Alike
}

// called tells the programs apart that one file is, like busybox. What has written a title goes by its file.
func (w *Want) called(p *Program) bool {
	base := filepath.Base(w.Exe)
	if base == w.Name || strings.ContainsAny(p.Argv[0], " :") {
		return true
	}
	name := filepath.Base(strings.TrimPrefix(p.Argv[0], "-")) // a login shell has a dash
	return name == w.Name || name == base
}
