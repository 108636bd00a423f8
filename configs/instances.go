package configs

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/supd/supd/checks"
)

// A service with instances = N is N services, NAME@1 to NAME@N, made of one table. From here on there are only those:
// core, gate and processes know nothing of the table that they came from.

// instancesMax bounds instances: more than this on one machine is a typing mistake.
const instancesMax = 10_000

// instanceMark stands between the name of a table and the number of one of its instances.
const instanceMark = "@"

// instanceName is the name of the n-th instance, n from 1.
func instanceName(base string, n int) string { return base + instanceMark + strconv.Itoa(n) }

// instanceCount reads instances from a table as written; ok is false without the key or with a senseless value.
func instanceCount(table map[string]any) (n int, ok bool) {
	v, ok := table["instances"].(int64)
	return int(v), ok && v >= 1 && v <= instancesMax
}

// instances reads a [service.NAME] that stands for several. A mistake in it is told once: all have the same place.
func (b *builder) instances(p place, name string, raw map[string]any) {
	rest := withoutKey(raw, "instances")
	n, ok := instanceCount(raw)
	if !ok {
		at := p.key("instances")
		if v, isNumber := raw["instances"].(int64); isNumber {
			b.c.add(at, "%d must be between 1 and %d; autostart = false keeps a service down", v, instancesMax)
		} else {
			b.c.wantType(at, "a whole number, such as 4", raw["instances"])
		}
		b.oneService(p, name, rest) // for what else is wrong with it
		return
	}
	for i := 1; i <= n; i++ {
		full := instanceName(name, i)
		if b.badName(p, "service", full) {
			return
		}
		path := joinKey("service", full)
		if first, clash := b.first[path]; clash {
			b.c.about(p.key("instances"), "instances: %q is one of them, and has a table of its own at %s; rename one", full, first.source())
			continue
		}
		b.first[path] = p
		table, _ := substituted(rest, strconv.Itoa(i), false).(map[string]any)
		if s := b.oneService(p, full, table); s != nil {
			s.InstanceOf, s.Instance = name, i
		}
	}
	b.plan.instances[name] = n
	b.ownLogs(p, name, n)
}

// ownLogs refuses one log_file for several instances: what one of them says could not be told from what the others say, and
// each would be rotated under the hands of the others.
func (b *builder) ownLogs(p place, name string, n int) {
	one, two := b.plan.Services[instanceName(name, 1)], b.plan.Services[instanceName(name, 2)]
	if n > 1 && one != nil && two != nil && one.LogFile != "" && one.LogFile == two.LogFile {
		b.c.add(p.key("log_file"), "gives %q to all %d instances; write ${instance} into it, such as \"/var/log/%s-${instance}.log\"", one.LogFile, n, name)
	}
}

// instanceText is what stands for the number of an instance, in any text of its table. Unlike ${ENV} it also does in command
// lines: that is what it is for. $${instance} is the text itself.
const instanceText = "${instance}"

// substituted is v with the instance's number put in; what has nothing to put in is shared. Keys are left alone.
func substituted(v any, number string, command bool) any {
	switch v := v.(type) {
	case string:
		return substitutedText(v, number, command)
	case []any:
		out := make([]any, len(v))
		for i, elem := range v {
			out[i] = substituted(elem, number, command)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, elem := range v {
			_, list := elem.([]any)
			out[key] = substituted(elem, number, command || list && isCommandKey(key))
		}
		return out
	}
	return v
}

func substitutedText(s, number string, command bool) string {
	before, after, found := strings.Cut(s, instanceText)
	if !found {
		return s
	}
	if strings.HasSuffix(before, "$") {
		// Outside of a command line the expander takes the $ away; it never looks into those.
		if command {
			before = strings.TrimSuffix(before, "$")
		}
		return before + instanceText + substitutedText(after, number, command)
	}
	return before + number + substitutedText(after, number, command)
}

// withInstances replaces the name of a table that stands for several services by theirs, each once.
func withInstances(names []string, count map[string]int) []string {
	several := false
	for _, name := range names {
		several = several || count[name] > 0
	}
	if !several {
		return names
	}
	var out []string
	seen := map[string]bool{}
	add := func(name string) {
		if !seen[name] {
			seen[name] = true
			out = append(out, name)
		}
	}
	for _, name := range names {
		if count[name] == 0 {
			add(name)
			continue
		}
		for i := 1; i <= count[name]; i++ {
			add(instanceName(name, i))
		}
	}
	return out
}

// spreadInstances has everything that names such a table name its services. After all judgements: those speak of the
// names as they are written.
func (b *builder) spreadInstances() {
	count := b.plan.instances
	if len(count) == 0 {
		return
	}
	for _, s := range b.plan.Services {
		s.DependsOn = withInstances(s.DependsOn, count)
		s.Maintenance.Require = requireInstances(s.Maintenance.Require, count)
		for _, c := range s.Checks {
			spreadInterlocks(&c.Options, count)
		}
	}
	b.plan.Maintenance.Require = requireInstances(b.plan.Maintenance.Require, count)
	for _, g := range b.plan.Groups {
		g.Services = withInstances(g.Services, count)
	}
	for _, c := range b.plan.Checks {
		spreadInterlocks(&c.Options, count)
	}
}

func spreadInterlocks(o *checks.Options, count map[string]int) {
	o.Interlocks = withInstances(o.Interlocks, count)
}

// requireInstances makes "web/ping" the check of each instance.
func requireInstances(names []string, count map[string]int) []string {
	var out []string
	for _, name := range names {
		base, check, ok := strings.Cut(name, "/")
		if !ok || count[base] == 0 {
			out = append(out, name)
			continue
		}
		for i := 1; i <= count[base]; i++ {
			out = append(out, fmt.Sprintf("%s/%s", instanceName(base, i), check))
		}
	}
	return out
}
