package checks

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// When is a list of conditions of which any one makes the check fail. It is written as one text or as a list of them.
type When []Condition

// conditionsMax and conditionBytesMax bound what one check may ask.
const (
	conditionsMax     = 32
	conditionBytesMax = 512
)

// UnmarshalTOML reads a text or a list of texts. The names in it are judged later, by Validate.
func (w *When) UnmarshalTOML(v any) error {
	var texts []string
	switch v := v.(type) {
	case string:
		texts = []string{v}
	case []any:
		for _, elem := range v {
			text, ok := elem.(string)
			if !ok {
				return errors.New(`must be a condition such as "rss > 400M for 5m", or a list of them`)
			}
			texts = append(texts, text)
		}
	default:
		return errors.New(`must be a condition such as "rss > 400M for 5m", or a list of them`)
	}
	if len(texts) > conditionsMax {
		return fmt.Errorf("has %d conditions, and at most %d are allowed", len(texts), conditionsMax)
	}
	out := make(When, len(texts))
	for i, text := range texts {
		var err error
		if out[i], err = ParseCondition(text); err != nil {
			return err
		}
	}
	*w = out
	return nil
}

// Op is what a condition asks of a value.
type Op string

// The comparisons stand between a name and an operand, the others behind a name.
const (
	OpTrue      Op = "" // the value itself is yes or no
	OpMore      Op = ">"
	OpMoreEq    Op = ">="
	OpLess      Op = "<"
	OpLessEq    Op = "<="
	OpEqual     Op = "=="
	OpUnequal   Op = "!="
	OpChanged   Op = "changed"
	OpIncreased Op = "increased"
	OpDecreased Op = "decreased"
)

// comparisons, the longer ones first where one begins with another.
var comparisons = [...]Op{OpMoreEq, OpLessEq, OpEqual, OpUnequal, OpMore, OpLess}

// fingerprint is the name that a bare "changed" means: a type that can tell all its changes by one text has this term.
const fingerprint = "fingerprint"

// Condition is NAME OP OPERAND, [not] NAME, NAME changed|increased|decreased, or changed; each also with "for DURATION".
type Condition struct {
	Name    string
	Op      Op
	Operand string // as written, without quotes around a comparison's text taken off
	Not     bool   // only with OpTrue
	For     time.Duration
}

// ParseCondition reads a condition. Whether the name exists and the operand fits is for Validate.
func ParseCondition(text string) (Condition, error) {
	if len(text) > conditionBytesMax {
		return Condition{}, fmt.Errorf("%q is longer than %d bytes", clip(text, quotedMax), conditionBytesMax)
	}
	c, err := parseCondition(strings.TrimSpace(text))
	if err != nil {
		return Condition{}, fmt.Errorf("%q %w", clip(text, quotedMax), err)
	}
	return c, nil
}

func parseCondition(text string) (Condition, error) {
	c := Condition{}
	if at := forClause(text); at >= 0 {
		d, err := ParseDuration(strings.TrimSpace(text[at+len(" for "):]))
		if err != nil {
			return c, fmt.Errorf("ends in no duration: %w", err)
		}
		if d == 0 {
			return c, errors.New("lasts for nothing")
		}
		c.For, text = d, strings.TrimSpace(text[:at])
	}
	size := len(text) - len(strings.TrimLeftFunc(text, isNameRune))
	c.Name, text = text[:size], strings.TrimSpace(text[size:])
	if c.Name == "not" {
		c.Not = true
		size = len(text) - len(strings.TrimLeftFunc(text, isNameRune))
		c.Name, text = text[:size], strings.TrimSpace(text[size:])
	}
	switch {
	case c.Name == "":
		return c, errors.New(`does not begin with a name; write it such as "rss > 400M for 5m"`)
	case text == "" && Op(c.Name) == OpChanged && !c.Not:
		c.Name, c.Op = fingerprint, OpChanged
	case text == "":
	case c.Not:
		return c, errors.New(`has "not" before a comparison; turn the operator round instead`)
	default:
		return c, c.readOp(text)
	}
	return c, nil
}

// readOp reads what follows the name.
func (c *Condition) readOp(text string) error {
	for _, op := range [...]Op{OpChanged, OpIncreased, OpDecreased} {
		if text == string(op) {
			c.Op = op
			return nil
		}
	}
	for _, op := range comparisons {
		rest, ok := strings.CutPrefix(text, string(op))
		if !ok {
			continue
		}
		c.Op, c.Operand = op, strings.TrimSpace(rest)
		if c.Operand == "" || strings.HasPrefix(c.Operand, "for ") { // "rss >for 5m"
			return fmt.Errorf("has nothing behind %s", op)
		}
		return nil
	}
	word, _, _ := strings.Cut(text, " ")
	return fmt.Errorf("has an unknown operator %q; known: > >= < <= == != changed increased decreased", clip(word, quotedMax))
}

// forClause finds the " for " that begins the last clause, outside of quotes; -1 if there is none.
func forClause(text string) int {
	at := strings.LastIndex(text, " for ")
	if at < 0 || strings.ContainsAny(text[at:], `"'`) {
		return -1
	}
	return at
}

// isNameRune also allows what names of counters have in them: tree.rss, errors/s is not one.
func isNameRune(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '.' || r == '-'
}

// String writes the condition in the form that ParseCondition reads.
func (c Condition) String() string {
	text := c.Name
	switch {
	case c.Name == fingerprint && c.Op == OpChanged:
		text = string(OpChanged)
	case c.Not:
		text = "not " + text
	case c.Op != OpTrue:
		text += " " + string(c.Op)
	}
	if c.Operand != "" {
		text += " " + c.Operand
	}
	if c.For > 0 {
		text += " for " + Duration(c.For).String()
	}
	return text
}

// MarshalText writes String.
func (c Condition) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// Validate says whether checks of this type know the name and whether the operand fits it.
func (c Condition) Validate(k Kind) error {
	_, err := c.bind(k)
	return err
}
