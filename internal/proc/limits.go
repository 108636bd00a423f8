package proc

import (
	"maps"
	"slices"
)

// Limits are the limits of an instance that can change while it runs, by their keys
// (such as "limits.nofile"), as text: "SOFT:HARD", or what stands in the cgroup's file.
type Limits map[string]string

// Text is the limit as Limits has it.
func (l Rlimit) Text() string { return amount(l.Soft) + ":" + amount(l.Hard) }

// LimitsOf is what of the limits can change while an instance runs; nil if nothing can.
func LimitsOf(processes []Rlimit, whole []CgroupLimit) Limits {
	var out Limits
	put := func(key, value string) {
		if out == nil {
			out = Limits{}
		}
		out[key] = value
	}
	for _, l := range processes {
		if !l.Fixed {
			put(l.Key, l.Text())
		}
	}
	for _, l := range whole {
		if l.Value != "" {
			put(l.Key, l.Value)
		}
	}
	return out
}

// Differ lists the keys in which to is another than l, sorted.
func (l Limits) Differ(to Limits) []string {
	var keys []string
	for key, value := range to {
		if was, ok := l[key]; !ok || was != value {
			keys = append(keys, key)
		}
	}
	for key := range l {
		if _, ok := to[key]; !ok {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// With is l with one limit changed; "" takes it away. l stays as it is.
func (l Limits) With(key, value string) Limits {
	out := maps.Clone(l)
	if value == "" {
		delete(out, key)
		return out
	}
	if out == nil {
		out = Limits{}
	}
	out[key] = value
	return out
}
