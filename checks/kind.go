package checks

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Config is the part of a check's table that only its type knows: a pointer to a struct with toml tags that are not among
// those of Options. New sets its defaults, Validate judges it, neither does the other.
type Config interface {
	// Validate is pure: it reads no file and asks no peer. Mistakes are *KeyError, several joined with errors.Join.
	Validate() error
	// Make builds the check of a valid config. It does not look at anything yet.
	Make() Check
}

// Kind is one check type.
type Kind struct {
	Name      string         // as in type = "http"
	Doc       string         // for the reference page: what it looks at, in one or more sentences
	Example   string         // a TOML table's lines, that parse and are valid
	Values    []Term         // what `when` can name, in the order of the reference page
	InService bool           // it makes sense only in a service
	NeedsWhen bool           // without `when` it has nothing to say
	New       func() Config  // with defaults
	Configure func(*Options) // changes the common defaults; nil: they suit
}

// Term is a name that `when` knows.
type Term struct {
	Name string
	Unit Unit   // of the operand; two terms of one name with two units are told apart by it (used > 90%, used > 10G)
	Key  string // in Result.Values; "" = Name
	Doc  string
}

// key is where the term's value stands in Result.Values.
func (t Term) key() string {
	if t.Key != "" {
		return t.Key
	}
	return t.Name
}

// registry is written by init functions only and read after them.
var registry = map[string]Kind{}

// Register adds a check type. From init only; a second one of the same name is a mistake in the program.
func Register(k Kind) {
	if _, twice := registry[k.Name]; twice || k.Name == "" || k.New == nil {
		panic(fmt.Sprintf("checks: cannot register type %q: name taken or no constructor", k.Name))
	}
	registry[k.Name] = k
}

// Lookup finds a type by its name; the error lists the known ones.
func Lookup(name string) (Kind, error) {
	k, ok := registry[name]
	if !ok {
		return Kind{}, fmt.Errorf("unknown type %q; known: %s", name, strings.Join(Names(), ", "))
	}
	return k, nil
}

// Names lists the types in alphabetical order.
func Names() []string { return slices.Sorted(maps.Keys(registry)) }

// Kinds lists the types in the order of their names.
func Kinds() []Kind {
	out := make([]Kind, 0, len(registry))
	for _, name := range Names() {
		out = append(out, registry[name])
	}
	return out
}

// Options are the common options with this type's defaults.
func (k Kind) Options() Options {
	o := DefaultOptions()
	o.Type = k.Name
	if k.Configure != nil {
		k.Configure(&o)
	}
	return o
}

// KeyError is a mistake about one key of a check's table. Key is "" for the table as a whole.
type KeyError struct {
	Key  string // as in the table: "url", "expect.status"
	Text string // goes on after the key: "must be an absolute URL, not \"x\""
}

func (e *KeyError) Error() string {
	if e.Key == "" {
		return e.Text
	}
	return e.Key + " " + e.Text
}

// badKey makes a KeyError.
func badKey(key, format string, args ...any) error {
	return &KeyError{Key: key, Text: fmt.Sprintf(format, args...)}
}

// KeyErrors takes joined mistakes apart, in their order. An error that is none becomes one about the table.
func KeyErrors(err error) []*KeyError {
	if err == nil {
		return nil
	}
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		var out []*KeyError
		for _, e := range many.Unwrap() {
			out = append(out, KeyErrors(e)...)
		}
		return out
	}
	var one *KeyError
	if !errors.As(err, &one) {
		one = &KeyError{Text: err.Error()}
	}
	return []*KeyError{one}
}
