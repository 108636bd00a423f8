package checks

import (
	"fmt"
	"strings"
)

// bound is a condition whose name was found among its type's terms.
type bound struct {
	Condition
	term Term
	want Value // the operand of a comparison
}

// bind finds the name and reads the operand by the unit of the term.
func (c Condition) bind(k Kind) (bound, error) {
	b := bound{Condition: c}
	var err error
	found := false
	for _, term := range k.Values {
		if term.Name != c.Name {
			continue
		}
		b.term, found = term, true
		// Of two terms of one name the operand fits one.
		if b.want, err = c.operand(term); err == nil {
			return b, nil
		}
	}
	// The operand fits none; the error is about the last term of that name.
	switch {
	case !found && c.Name == fingerprint:
		return b, fmt.Errorf("%q needs a name before it; known: %s", c, k.terms())
	case !found:
		return b, fmt.Errorf("%q names the unknown value %q; known: %s", c, c.Name, k.terms())
	}
	return b, fmt.Errorf("%q: %s", c, err)
}

// operand reads the operand as a value of this term, or says why the condition does not suit the term.
func (c Condition) operand(term Term) (Value, error) {
	switch c.Op {
	case OpTrue:
		if term.Unit != UnitTruth {
			return Value{}, fmt.Errorf("%s is not yes or no; compare it, such as with >", term.Name)
		}
		return Value{}, nil
	case OpChanged:
		return Value{}, nil
	case OpIncreased, OpDecreased:
		if !term.Unit.ordered() {
			return Value{}, fmt.Errorf("%s is no number; it can only change", term.Name)
		}
		return Value{}, nil
	case OpMore, OpMoreEq, OpLess, OpLessEq:
		if !term.Unit.ordered() && term.Unit != UnitTruth {
			return Value{}, fmt.Errorf("%s has no order; use == or !=", term.Name)
		}
	}
	v, err := parseOperand(c.Operand, term.Unit)
	if err != nil && term.Unit == UnitTruth {
		err = fmt.Errorf("%s %w", term.Name, err)
	}
	return v, err
}

// ordered says whether more and less mean something.
func (u Unit) ordered() bool { return u != UnitTruth && u != UnitText && u != UnitMode }

// terms lists the names that `when` knows, each once.
func (k Kind) terms() string {
	var names []string
	for i, term := range k.Values {
		if (i == 0 || k.Values[i-1].Name != term.Name) && term.Name != fingerprint {
			names = append(names, term.Name)
		}
	}
	if len(names) == 0 {
		return "none for type " + k.Name
	}
	return strings.Join(names, ", ")
}

// holds compares; was is the value of the look before, zero for the first.
func (b *bound) holds(is, was Value) bool {
	switch b.Op {
	case OpTrue:
		return (is.Num != 0) != b.Not
	// Without a look before there is nothing to compare with: the first look after a start is no change.
	case OpChanged:
		return !was.IsZero() && is != was
	case OpIncreased:
		return !was.IsZero() && is.Num > was.Num
	case OpDecreased:
		return !was.IsZero() && is.Num < was.Num
	case OpMore:
		return is.Num > b.want.Num
	case OpMoreEq:
		return is.Num >= b.want.Num
	case OpLess:
		return is.Num < b.want.Num
	case OpLessEq:
		return is.Num <= b.want.Num
	// A number has no text and a text no number, so comparing both is right for either.
	case OpEqual:
		return is.Num == b.want.Num && is.Text == b.want.Text
	}
	return is.Num != b.want.Num || is.Text != b.want.Text
}

// said puts a condition that holds into words: "rss is 512M: rss > 400M for 5m".
func (b *bound) said(is, was Value) string {
	switch {
	case b.term.Name == fingerprint:
		return "it changed since the last look"
	case b.Op == OpChanged || b.Op == OpIncreased || b.Op == OpDecreased:
		return fmt.Sprintf("%s %s from %s to %s", b.Name, b.Op, was, is)
	case b.Op == OpTrue:
		return fmt.Sprintf("%s: %s", b.Name, is)
	}
	return fmt.Sprintf("%s is %s: %s", b.Name, is, b.Condition)
}
