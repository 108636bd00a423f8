package configs

import (
	"fmt"
	"reflect"
	"sort"
	"strings"
	"unicode/utf8"
)

// Value is one key of the effective config. It has no secrets.
type Value struct {
	Table  string // "daemon", "service.web", "check.tmp"
	Key    string // below the table, in dots
	Value  string // in TOML
	Origin Origin
}

// Values are all keys with every default spelled out, or only those of one service; none for a service that is not
// there. Keys that say nothing and were not written are left out.
func (p *Plan) Values(service string) []Value {
	if service != "" {
		return p.serviceValues(service)
	}
	var out []Value
	for _, section := range [...]string{"daemon", "api", "maintenance"} {
		origins := p.sectionOrigins(section)
		out = appendValues(out, section, p.section(section).safe(writtenFlat(p.written[section])), func(key, _ string) Origin {
			o, ok := origins[key]
			switch {
			case !ok && section == "api" && key == "socket":
				return Origin{Why: originDefault + ", in run_dir"}
			case !ok:
				return Origin{Why: originDefault}
			}
			o.Table = "" // it is its own
			return o
		})
	}
	for _, name := range sortedKeys(p.Services) {
		out = append(out, p.serviceValues(name)...)
	}
	for _, name := range sortedKeys(p.Checks) {
		c := p.Checks[name]
		own := c.at.sources(c.raw)
		out = appendValues(out, dotted("check", name), c.shown(), func(key, _ string) Origin {
			switch source, ok := own[key]; {
			case ok:
				return Origin{Source: source}
			case key == "timeout":
				return Origin{Why: c.timeoutWhy()}
			}
			return Origin{Why: originDefault}
		})
	}
	for _, name := range sortedKeys(p.Groups) {
		g := p.Groups[name]
		own := g.at.sources(g.raw)
		out = appendValues(out, dotted("group", name), g.flat(), func(key, _ string) Origin { return Origin{Source: own[key]} })
	}
	return out
}

// serviceValues is Values for one service.
func (p *Plan) serviceValues(name string) []Value {
	s := p.Services[name]
	if s == nil {
		return nil
	}
	all, origins := s.flat(), p.originsOf(s)
	return appendValues(nil, dotted("service", name), all.safe(writtenFlat(s.raw)), func(key, _ string) Origin {
		return origins.of(key, all[key])
	})
}

// appendValues adds one table's keys, plain ones first, as people write them; the order is fixed, so that two plans can
// be compared as text too.
func appendValues(out []Value, table string, shown flat, origin func(key, value string) Origin) []Value {
	keys := sortedKeys(shown)
	sort.SliceStable(keys, func(i, j int) bool {
		return !strings.Contains(keys[i], ".") && strings.Contains(keys[j], ".")
	})
	for _, key := range keys {
		out = append(out, Value{table, key, shown[key], origin(key, shown[key])})
	}
	return out
}

// Effective renders the plan as TOML with every default spelled out, every
// secret masked, and behind each value where it comes from: what supctl config
// show prints. It can be read again as a config.
func (p *Plan) Effective() string { return Render(p.Values("")) }

// EffectiveService is the part of Effective about one service; "" when there
// is none of that name.
func (p *Plan) EffectiveService(name string) string { return Render(p.Values(name)) }

// originColumn is where the origins stand; a longer value pushes its own away.
const originColumn = 48

// Render writes values as TOML; sub-tables are dotted keys, so that a service
// reads as one block.
func Render(values []Value) string {
	var b strings.Builder
	table := ""
	for _, v := range values {
		if v.Table != table {
			if table != "" {
				b.WriteByte('\n')
			}
			table = v.Table
			fmt.Fprintf(&b, "[%s]\n", table)
		}
		line := v.Key + " = " + v.Value
		gap := max(originColumn-utf8.RuneCountInString(line), 1)
		fmt.Fprintf(&b, "%s%*s# %s\n", line, gap, "", v.Origin)
	}
	return b.String()
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
	f, _ := s.part(func(key, check string) bool { return true })
	return f
}

// part is flat with only the wanted keys of the table and of its checks, named by their first word ("check" with the
// check's name), and what was written of them.
func (s *Service) part(wanted func(key, check string) bool) (values, written flat) {
	f, v := flat{}, reflect.ValueOf(*s)
	for name, index := range fieldIndex(v.Type()) {
		if wanted(name, "") {
			f.put(dotted("", name), v.FieldByIndex(index))
		}
	}
	for name, c := range s.Checks {
		if wanted(checkTable, name) {
			for key, value := range c.flat() {
				f[dotted(checkTable, name)+"."+key] = value
			}
		}
	}
	written = flat{}
	for name, raw := range s.raw {
		if checks, is := raw.(map[string]any); is && name == checkTable {
			for check, raw := range checks {
				if wanted(checkTable, check) {
					written.put(dotted(checkTable, check), reflect.ValueOf(raw))
				}
			}
		} else if wanted(name, "") {
			written.put(dotted("", name), reflect.ValueOf(raw))
		}
	}
	return f.said(written), written
}

// checkTable is the key of a service's checks.
const checkTable = "check"

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
