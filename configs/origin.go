package configs

import (
	"fmt"
	"strings"
)

// Origin is where a value comes from: a key in a file, a flag of the command line, or a default.
type Origin struct {
	Source Source // of the key; Line 0: not from a file
	Table  string // "maintenance": the key stands in that table and is inherited; "" in its own
	Why    string // "default", "default because stateful = true", "--state-dir"; "" for a key in a file
}

// String is the origin as config show writes it.
func (o Origin) String() string {
	switch {
	case o.Why != "":
		return o.Why
	case o.Table != "":
		return "[" + o.Table + "] " + o.Source.String()
	}
	return o.Source.String()
}

// originDefault is the origin of what nobody wrote.
const originDefault = "default"

// stood is where the keys of one table stand: the file, and the line of each leaf in the order of leaves. It is kept with
// every plan in force, so it has to be small: the scanner's map of a large config takes more than all else together.
type stood struct {
	file  string
	lines []int32
}

// standing finds the lines of a table's keys; the table as written.
func standing(p place, raw map[string]any) stood {
	if p.src == nil {
		return stood{}
	}
	at := stood{file: p.src.name}
	leaves(raw, p.path, "", func(path, _ string) { at.lines = append(at.lines, int32(p.src.pos.line(path))) })
	return at
}

// sources gives each key of the table its place.
func (s stood) sources(raw map[string]any) map[string]Source {
	out := make(map[string]Source, len(s.lines))
	leaves(raw, "", "", func(_, key string) {
		if n := len(out); n < len(s.lines) {
			out[key] = Source{File: s.file, Line: int(s.lines[n])}
		}
	})
	return out
}

// leaves calls f for each value of a table that is no table, in the order of keys, with its path in the file and its key
// in dots.
func leaves(table map[string]any, path, key string, f func(path, key string)) {
	for _, name := range sortedKeys(table) {
		below, here := path+keySep+name, dotted(key, name)
		if inner, ok := table[name].(map[string]any); ok {
			leaves(inner, below, here, f)
			continue
		}
		f(below, here)
	}
}

// origins answers for the keys of one service.
type origins struct {
	own       map[string]Source
	inherited map[string]Origin // by key of the service
	plain     flat              // defaults of a service that says nothing
	because   []reason
}

// reason is a key of the service that changes the defaults of others.
type reason struct {
	text     string
	defaults flat
}

// originsOf prepares the answer for one service; the policies for all are the plan's.
func (p *Plan) originsOf(s *Service) origins {
	defaults := func(stateful, oneshot bool) flat {
		d := newService(s.Name, stateful, oneshot, p.Daemon, p.Maintenance)
		return d.flat()
	}
	o := origins{own: s.at.sources(s.raw), inherited: map[string]Origin{}, plain: defaults(false, false)}
	if s.Stateful {
		o.because = append(o.because, reason{"stateful = true", defaults(true, false)})
	}
	if s.Oneshot {
		o.because = append(o.because, reason{"oneshot = true", defaults(false, true)})
	}
	for key, origin := range p.sectionOrigins("maintenance") {
		o.inherited["maintenance."+key] = origin
	}
	if mode, ok := p.sectionOrigins("daemon")["mode"]; ok {
		o.inherited["mode"] = mode
	}
	if p.flags["daemon.mode"] != "" { // --observe is stronger than what a service says
		delete(o.own, "mode")
	}
	for name, c := range s.Checks {
		if every, ok := o.own[dotted("check", name)+".every"]; ok && every.Line > 0 {
			o.inherited[dotted("check", name)+".timeout"] = Origin{Why: c.timeoutWhy()}
		}
	}
	return o
}

// of is the origin of one key with its value.
func (o origins) of(key, value string) Origin {
	if source, ok := o.own[key]; ok {
		return Origin{Source: source}
	}
	if origin, ok := o.inherited[key]; ok {
		return origin
	}
	for _, r := range o.because {
		if o.plain[key] != value && r.defaults[key] == value {
			return Origin{Why: originDefault + " because " + r.text}
		}
	}
	return Origin{Why: originDefault}
}

// timeoutWhy says where a check's timeout comes from that was not written, see checks.Options.Complete.
func (c *Check) timeoutWhy() string {
	options := c.Kind.Options()
	options.Complete()
	if c.Options.Timeout == options.Timeout {
		return originDefault
	}
	return fmt.Sprintf("%s because every = %q", originDefault, c.Options.Every)
}

// sectionOrigins are the origins of what stands in [daemon], [api] or [maintenance], or on the command line.
func (p *Plan) sectionOrigins(section string) map[string]Origin {
	out := map[string]Origin{}
	for key, source := range p.places[section].sources(p.written[section]) {
		out[key] = Origin{Source: source, Table: section}
	}
	for key, flag := range p.flags {
		if name, ok := strings.CutPrefix(key, section+"."); ok {
			out[name] = Origin{Why: flag}
		}
	}
	return out
}
