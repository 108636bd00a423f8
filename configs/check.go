package configs

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/supd/supd/checks"
)

// Check is one [service.NAME.check.CHECK] or [check.NAME].
type Check struct {
	Name    string
	Service string // "" when it stands alone
	Source  Source
	Kind    checks.Kind
	Options checks.Options // complete: what every check has
	Config  checks.Config  // what this type has; Config.Make builds the check

	at  stood          // where its keys stand, if it belongs to no service
	raw map[string]any // the table as written
}

// Key names a check among all: "NAME" alone, "SERVICE/NAME" in a service.
func (c *Check) Key() string {
	if c.Service == "" {
		return c.Name
	}
	return c.Service + "/" + c.Name
}

// readCheck reads one check's table; nil when its type is not known: then no
// key can be judged. Common keys and the type's own share the table, and
// package checks sees to it that no name is in both.
func (b *builder) readCheck(p place, service, name string, raw map[string]any) *Check {
	table := b.exp.table(p, raw)
	typeName, isText := table["type"].(string)
	switch {
	case table["type"] == nil:
		b.c.about(p, "type is missing; known: %s", strings.Join(checks.Names(), ", "))
		return nil
	case !isText:
		b.c.wantType(p.key("type"), "a string", table["type"])
		return nil
	}
	kind, err := checks.Lookup(typeName)
	if err != nil {
		b.c.about(p.key("type"), "%s%s", err, didYouMean(typeName, checks.Names()))
		return nil
	}
	c := &Check{Name: name, Service: service, Source: p.source(), Kind: kind, Options: kind.Options(), Config: kind.New(), raw: raw}
	b.c.decodeTable(p, table, nil, &c.Options, c.Config)
	c.Options.Complete() // defaults that follow from other keys, before judgement
	b.keyErrors(p, errors.Join(c.Options.Validate(kind, service), c.Config.Validate()))
	b.later = append(b.later, func() { b.checkReferences(p, c) })
	return c
}

// keyErrors notes what a check type says about its own keys.
func (b *builder) keyErrors(p place, err error) {
	for _, e := range checks.KeyErrors(err) {
		at := p
		if e.Key == "" {
			b.c.about(at, "%s", e.Text)
			continue
		}
		for _, part := range strings.Split(e.Key, ".") {
			at = at.key(part)
		}
		b.c.add(at, "%s", e.Text)
	}
}

// checkReferences judges the names of others that a check uses: services that it
// interlocks, checks that it needs.
func (b *builder) checkReferences(p place, c *Check) {
	b.knownServices(p.key("interlocks"), c.Options.Interlocks)
	owner := b.plan.Services[c.Service]
	for i, need := range c.Options.Needs {
		at := p.key("needs").element(i)
		switch {
		case need == c.Name || need == c.Key():
			b.c.add(at, "names the check itself")
		case !b.knownCheck(owner, need):
			known := sortedKeys(b.plan.Checks)
			if owner != nil {
				known = append(known, sortedKeys(owner.Checks)...)
			}
			b.c.add(at, "names %q, which is no check here%s", need, didYouMean(need, known))
		}
	}
}

// flat is the check with all its defaults. A key that was written stands there
// even when its type cannot write itself.
func (c *Check) flat() flat {
	f := flat{}
	f.put("", reflect.ValueOf(c.Options))
	f.put("", reflect.ValueOf(c.Config))
	written := writtenFlat(c.raw)
	for key, value := range written {
		if _, ok := f[key]; !ok {
			f[key] = value
		}
	}
	return f.said(written)
}

func (c *Check) shown() flat { return c.flat().safe(writtenFlat(c.raw)) }

// String names the check in a sentence.
func (c *Check) String() string {
	if c.Service == "" {
		return fmt.Sprintf("check %q", c.Name)
	}
	return fmt.Sprintf("check %q of %q", c.Name, c.Service)
}
