package configs

import (
	"fmt"
	"sort"
)

// source is one file that was read: its name and where its keys stand.
type source struct {
	name    string // as mistakes show it
	order   int    // 0 is the main file
	pos     positions
	expands bool // there is a ${ in it
}

// place is a key in a file, and whose key it is.
type place struct {
	src  *source
	path string // key path in the file
	list string // for an element of a list: the list's path
	who  string // `service "db": check "ping": `, "" at the top
	rel  string // key below who, in dots: "restart.policy"
}

// key is the place of a key below this one.
func (p place) key(name string) place {
	if p.path == "" {
		p.path = name
	} else {
		p.path += keySep + name
	}
	if p.rel == "" {
		p.rel = name
	} else {
		p.rel += "." + name
	}
	return p
}

// element is the place of an array's n-th element, which has no name of its own.
func (p place) element(n int) place {
	p.list = p.path
	p.path += fmt.Sprintf("%s%d", keySep, n)
	return p
}

// named is the place of a table that is spoken of by a noun and its name.
func (p place) named(path, noun, name string) place {
	return place{src: p.src, path: path, who: fmt.Sprintf("%s%s %q: ", p.who, noun, name)}
}

// source is the file and line; a key that is not written has its table's line.
func (p place) source() Source {
	if p.src == nil {
		return Source{}
	}
	return Source{File: p.src.name, Line: p.src.pos.line(p.path)}
}

// collector gathers mistakes; nothing stops at the first one. It belongs to one
// load and one goroutine.
type collector struct {
	found []located         // in the order of discovery
	noted map[notedKey]bool // keys that a mistake is about
}

// notedKey is a key in one file: two files may have the same path.
type notedKey struct {
	src  *source
	path string
}

// located is a mistake with what it is sorted by.
type located struct {
	order int // of the file, main file first
	Mistake
}

// add notes a mistake about the key at p, which the text starts with.
func (c *collector) add(p place, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if p.rel != "" {
		text = p.rel + " " + text
	}
	c.about(p, "%s", text)
}

// about notes a mistake at p whose text names what it is about by itself. Only
// the first about a key counts: what could not be read is not judged as well.
func (c *collector) about(p place, format string, args ...any) {
	key := notedKey{p.src, p.path}
	if c.noted[key] {
		return
	}
	if c.noted == nil {
		c.noted = map[notedKey]bool{}
	}
	c.noted[key] = true
	if p.list != "" {
		c.noted[notedKey{p.src, p.list}] = true
	}
	at := p.source()
	order := 0
	if p.src != nil {
		order = p.src.order
	}
	c.found = append(c.found, located{order, Mistake{File: at.File, Line: at.Line, Text: p.who + fmt.Sprintf(format, args...)}})
}

// mistakes gives all in file order; nil when there are none.
func (c *collector) mistakes() Mistakes {
	if len(c.found) == 0 {
		return nil
	}
	sort.SliceStable(c.found, func(i, j int) bool {
		a, b := c.found[i], c.found[j]
		if a.order != b.order {
			return a.order < b.order
		}
		return a.Line < b.Line
	})
	ms := make(Mistakes, len(c.found))
	for i, l := range c.found {
		ms[i] = l.Mistake
	}
	return ms
}
