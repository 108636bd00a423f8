package configs

import (
	"fmt"
	"reflect"
	"sort"
	"strings"
)

// Effective renders the plan as TOML with every default spelled out and every
// secret masked: what supctl config show prints.
func (p *Plan) Effective() string {
	var b strings.Builder
	table(&b, "daemon", "", p.section("daemon").safe(writtenFlat(p.written["daemon"])))
	table(&b, "api", "", p.section("api").safe(writtenFlat(p.written["api"])))
	table(&b, "maintenance", "", p.section("maintenance").safe(writtenFlat(p.written["maintenance"])))
	for _, name := range sortedKeys(p.Services) {
		b.WriteString(p.EffectiveService(name))
	}
	for _, name := range sortedKeys(p.Checks) {
		c := p.Checks[name]
		table(&b, dotted("check", name), c.Source.String(), c.shown())
	}
	for _, name := range sortedKeys(p.Groups) {
		g := p.Groups[name]
		table(&b, dotted("group", name), g.Source.String(), g.flat())
	}
	return b.String()
}

// EffectiveService is the part of Effective about one service; "" when there
// is none of that name.
func (p *Plan) EffectiveService(name string) string {
	s := p.Services[name]
	if s == nil {
		return ""
	}
	var b strings.Builder
	table(&b, dotted("service", name), s.Source.String(), s.shown())
	return b.String()
}

// table writes one table; its sub-tables are dotted keys, so that a service
// reads as one block.
func table(b *strings.Builder, header, source string, values flat) {
	if source != "" {
		fmt.Fprintf(b, "# %s\n", source)
	}
	fmt.Fprintf(b, "[%s]\n", header)
	// The order is fixed, so that two plans can be compared as text too.
	keys := sortedKeys(values)
	// Plain keys first, as people write them.
	sort.SliceStable(keys, func(i, j int) bool {
		return !strings.Contains(keys[i], ".") && strings.Contains(keys[j], ".")
	})
	for _, key := range keys {
		fmt.Fprintf(b, "%s = %s\n", key, values[key])
	}
	b.WriteByte('\n')
}

// section is one of the tables that exist once, defaults included; secrets are
// not masked yet.
func (p *Plan) section(name string) flat {
	f := flat{}
	switch name {
	case "daemon":
		f.put("", reflect.ValueOf(p.Daemon))
	case "api":
		f.put("", reflect.ValueOf(p.API))
	case "maintenance":
		f.put("", reflect.ValueOf(p.Maintenance))
	}
	return f.said(writtenFlat(p.written[name]))
}

// flat is the service with all its defaults and its checks.
func (s *Service) flat() flat {
	f := flat{}
	f.put("", reflect.ValueOf(*s))
	for name, c := range s.Checks {
		for key, value := range c.flat() {
			f[dotted("check", name)+"."+key] = value
		}
	}
	return f.said(writtenFlat(s.raw))
}

// shown is flat without secrets: the only form that leaves this package.
func (s *Service) shown() flat { return s.flat().safe(writtenFlat(s.raw)) }

// flat is the group with its members.
func (g *Group) flat() flat {
	f := flat{}
	f.put("", reflect.ValueOf(*g))
	return f
}

// said leaves out what says nothing and was not written either: limit = "" is
// kept where somebody wrote it, because a stateful service's default differs.
func (f flat) said(written flat) flat {
	for key, value := range f {
		if _, ok := written[key]; !ok && isEmpty(value) {
			delete(f, key)
		}
	}
	return f
}

// writtenFlat is a table as it stands in the file.
func writtenFlat(raw map[string]any) flat {
	f := flat{}
	if raw != nil {
		f.put("", reflect.ValueOf(raw))
	}
	return f
}
