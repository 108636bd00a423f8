package configs

import (
	"path/filepath"
	"reflect"
	"strings"
)

// Options change how a config is read. The zero value reads as supd does.
type Options struct {
	// Env answers for ${NAME}; nil: the process's environment.
	Env func(name string) (string, bool)
	// Trust says whether files are judged by owner and mode: TrustAuto judges
	// when the process is root.
	Trust Trust
	// StateDir and RunDir override [daemon] (the command line's flags); "" does not.
	StateDir, RunDir string
	// Observe overrides [daemon] mode and every service's mode.
	Observe bool
}

// Trust is how much the files' owners and modes matter.
type Trust uint8

// TrustAuto judges as root only, TrustAny never, TrustOwned always.
const (
	TrustAuto Trust = iota
	TrustAny
	TrustOwned
)

// Load reads the file and its includes. Either the plan is complete and the
// mistakes are nil, or the plan is nil and there is at least one mistake. It
// reads files and the environment, and has no other effect; whether a user or
// a program exists is found out at a start, so that one missing package does
// not keep all other services down after a boot.
func Load(path string, opt Options) (*Plan, Mistakes) {
	return load(opt, func(r *reader) { r.file(path, place{}) })
}

// LoadBytes is Load for a config that is no file, such as the embedded demo.
// Relative paths in it, includes too, are taken from dir.
func LoadBytes(name, dir string, text []byte, opt Options) (*Plan, Mistakes) {
	return load(opt, func(r *reader) { r.text(&source{name: name}, dir, string(text)) })
}

// load reads, builds and judges; read brings in the files.
func load(opt Options, read func(*reader)) (*Plan, Mistakes) {
	c := &collector{}
	exp := newExpander(opt.Env, c)
	r := &reader{c: c, exp: exp, trust: opt.Trust, read: newContent(), seen: map[string]bool{}}
	read(r)
	b := &builder{c: c, exp: exp, broken: r.broken, opt: opt, first: map[string]place{}}
	plan := b.build(r.docs)
	plan.Files, plan.globs, plan.content, plan.secrets = r.files, r.globs, r.read, b.secrets()
	if ms := c.mistakes(); ms != nil {
		for i := range ms {
			ms[i].Text = exp.masked(ms[i].Text)
		}
		return nil, ms
	}
	return plan, nil
}

// builder makes a plan of the parsed files.
type builder struct {
	c      *collector
	exp    *expander
	broken bool // see reader
	opt    Options
	plan   *Plan
	first  map[string]place // "service\x00db" → where it was defined first
	later  []func()         // judgements that need the whole plan
}

// topTables are the keys at the top of a file, for unknown ones.
var topTables = [...]string{"include", "daemon", "api", "maintenance", "service", "group", "check"}

// build makes the plan in three passes: what exists once, the named tables, and
// what can only be judged when all names are known.
func (b *builder) build(docs []document) *Plan {
	b.plan = &Plan{
		Daemon: newDaemon(), API: newAPI(), Maintenance: newMaintenance(),
		Services: map[string]*Service{}, Groups: map[string]*Group{}, Checks: map[string]*Check{},
		written: map[string]map[string]any{}, places: map[string]stood{}, flags: map[string]string{}, instances: map[string]int{},
	}
	for _, doc := range docs {
		b.settings(doc)
	}
	b.override()
	for _, doc := range docs {
		b.entries(doc)
	}
	b.listens()
	for _, judge := range b.later {
		judge()
	}
	b.spreadInstances()
	if !b.broken {
		b.dependencies()
	}
	return b.plan
}

// settings reads the tables that exist once; services take defaults from them,
// so all files' are read before any service.
func (b *builder) settings(doc document) {
	for _, key := range sortedKeys(doc.tree) {
		at := place{src: doc.src, path: key, rel: key}
		switch key {
		case "daemon":
			b.single(at, doc.tree[key], &b.plan.Daemon, func(at place) { b.plan.Daemon.validate(b.c, at) }, func() { b.plan.Daemon = newDaemon() })
		case "api":
			b.single(at, doc.tree[key], &b.plan.API, func(at place) { b.plan.API.validate(b.c, at) }, func() {})
		case "maintenance":
			b.single(at, doc.tree[key], &b.plan.Maintenance, func(at place) {
				b.plan.Maintenance.validate(b.c, at)
				b.plan.Maintenance.written(b.plan.written["maintenance"])
				b.later = append(b.later, func() { b.required(at.key("require"), nil, b.plan.Maintenance.Require) })
				if len(b.plan.Maintenance.MustBeFree) > 0 {
					b.c.add(at.key("must_be_free"), "belongs into [service.NAME.maintenance]: it is proof that one service is down")
				}
			}, func() { b.plan.Maintenance = newMaintenance() })
		}
	}
}

// single reads one of the tables that exist once. After a mistake reset puts
// the defaults back.
func (b *builder) single(at place, v any, dst any, validate func(place), reset func()) {
	table, ok := v.(map[string]any)
	if !ok {
		b.c.wantType(at, "a table", v)
		return
	}
	if first, again := b.first[at.path]; again {
		b.c.about(at, "[%s] is defined twice; first at %s", at.path, first.source())
		return
	}
	b.first[at.path] = at
	b.plan.written[at.path], b.plan.places[at.path] = table, standing(at, table)
	expanded := b.exp.table(at, table)
	before := len(b.c.found)
	b.c.decodeTable(at, expanded, nil, dst)
	validate(at)
	if len(b.c.found) > before {
		reset() // what services inherit is not said again for each
	}
}

// override lets the command line's flags win and fills what depends on them.
func (b *builder) override() {
	d := &b.plan.Daemon
	if b.opt.StateDir != "" {
		d.StateDir, b.plan.flags["daemon.state_dir"] = b.opt.StateDir, "--state-dir"
	}
	if b.opt.RunDir != "" {
		d.RunDir, b.plan.flags["daemon.run_dir"] = b.opt.RunDir, "--run-dir"
	}
	if b.opt.Observe {
		d.Mode, b.plan.flags["daemon.mode"] = ModeObserve, "--observe"
	}
	if b.plan.API.Socket == "" {
		b.plan.API.Socket = filepath.Join(d.RunDir, "supd.sock")
	}
}

// entries reads the named tables of one file.
func (b *builder) entries(doc document) {
	for _, key := range sortedKeys(doc.tree) {
		v := doc.tree[key]
		at := place{src: doc.src, path: key, rel: key}
		switch key {
		case "include", "daemon", "api", "maintenance": // read before
		case "service":
			b.each(at, v, b.service)
		case "group":
			b.each(at, v, b.group)
		case "check":
			b.each(at, v, b.check)
		default:
			refused := b.c.refuse(place{src: doc.src}, "", map[string]any{key: v})
			if !contains(refused, key) {
				b.unknownTop(at, key)
			}
		}
	}
}

// unknownTop notes a key at the top of a file that nothing reads.
func (b *builder) unknownTop(at place, key string) {
	at.rel = ""
	near, hint := nearest(key, topTables[:]), foreignHint("", key)
	switch {
	case strings.EqualFold(near, key):
		b.c.about(at, "unknown table %q; names of tables are in small letters: %q", key, near)
		return
	case hint != "":
		b.c.about(at, "unknown table %q; %s", key, hint)
		return
	case near != "":
		b.c.about(at, "unknown table %q, did you mean %q?", key, near)
		return
	}
	if known := contains(sortedKeys(fieldIndex(reflect.TypeFor[Service]())), key); known {
		b.c.about(at, "%q stands above all tables; it belongs below a [service.NAME]", key)
		return
	}
	b.c.about(at, "unknown table %q; known here: include, daemon, api, maintenance, service.NAME, group.NAME, check.NAME", key)
}

// each reads [NOUN.NAME] tables; the same name in two files is a mistake.
func (b *builder) each(at place, v any, read func(place, string, map[string]any)) {
	noun := at.path
	tables, ok := v.(map[string]any)
	if !ok {
		b.c.wantType(at, "tables named ["+noun+".NAME]", v)
		return
	}
	for _, name := range sortedKeys(tables) {
		here := place{src: at.src}.named(joinKey(noun, name), noun, name)
		table, ok := tables[name].(map[string]any)
		switch {
		case !ok:
			if b.nameless(at, noun, name) {
				continue
			}
			b.c.about(place{src: at.src, path: here.path}, "%s.%s must be a table such as [%s.NAME], not %s", noun, name, noun, showValue(tables[name]))
			continue
		case b.badName(here, noun, name):
			continue
		}
		if first, again := b.first[here.path]; again {
			b.c.about(place{src: at.src, path: here.path}, "%s %q is defined twice; first at %s", noun, name, first.source())
			continue
		}
		b.first[here.path] = here
		read(here, name, table)
	}
}

// nameless notes a key of a service that stands in [service] itself: the table
// has no name yet. Once for the whole table is enough.
func (b *builder) nameless(at place, noun, key string) bool {
	known := noun == "service" && contains(append(sortedKeys(fieldIndex(reflect.TypeFor[Service]())), "name"), key)
	if known {
		b.c.about(place{src: at.src, path: at.path}, "[service] has no name; write [service.NAME], such as [service.web]")
	}
	return known
}
