package checks

import (
	"strings"
	"testing"
	"time"
)

// terms of a type that has one of each unit.
var allUnits = Kind{Name: "everything", Values: []Term{
	{Name: "n", Unit: UnitCount},
	{Name: "rss", Unit: UnitBytes},
	{Name: "used", Unit: UnitPercent, Key: "used%"},
	{Name: "used", Unit: UnitBytes},
	{Name: "age", Unit: UnitSeconds},
	{Name: "read", Unit: UnitBytesRate},
	{Name: "errors", Unit: UnitRate},
	{Name: "missing", Unit: UnitTruth},
	{Name: "owner", Unit: UnitText},
	{Name: "permission", Unit: UnitMode},
	{Name: fingerprint, Unit: UnitText},
}}

func TestConditions(t *testing.T) {
	for _, c := range []struct {
		text    string
		is, was Value
		holds   bool
	}{
		{"rss > 400M", Bytes(401 << 20), Value{}, true},
		{"rss > 400M", Bytes(400 << 20), Value{}, false},
		{"rss >= 400M for 5m", Bytes(400 << 20), Value{}, true},
		{"rss<1.5G", Bytes(1 << 30), Value{}, true},
		{"used > 90%", Percent(91), Value{}, true},
		{"used > 10G", Bytes(11 << 30), Value{}, true},
		{"age > 25h", Seconds(26 * time.Hour), Value{}, true},
		{"read > 10M/s", Value{Num: 11 << 20, Unit: UnitBytesRate, set: true}, Value{}, true},
		{"errors > 0.5/s", Value{Num: 1, Unit: UnitRate, set: true}, Value{}, true},
		{"n == 0", Count(0), Value{}, true},
		{"n != 0", Count(0), Value{}, false},
		{"n <= -1", Count(-2), Value{}, true},
		{"missing", Truth(true), Value{}, true},
		{"not missing", Truth(true), Value{}, false},
		{"owner != root", Text("www"), Value{}, true},
		{"owner == 'www data'", Text("www data"), Value{}, true},
		{`owner == "waits for you"`, Text("waits for you"), Value{}, true},
		{"permission != 0644", Mode(0o600), Value{}, true},
		{"permission == 644", Mode(0o644), Value{}, true},
		{"changed", Text("b"), Text("a"), true},
		{"changed", Text("a"), Text("a"), false},
		{"changed", Text("a"), Value{}, false},
		{"n changed for 1m", Count(0), Count(1), true},
		{"n increased", Count(2), Count(1), true},
		{"n increased", Count(2), Value{}, false},
		{"n decreased", Count(2), Count(1), false},
		{"rss decreased", Bytes(0), Bytes(1), true},
	} {
		cond, err := ParseCondition(c.text)
		if err != nil {
			t.Errorf("%q: %v", c.text, err)
			continue
		}
		b, err := cond.bind(allUnits)
		if err != nil {
			t.Errorf("%q: %v", c.text, err)
			continue
		}
		if got := b.holds(c.is, c.was); got != c.holds {
			t.Errorf("%q with %v after %v: %t, want %t", c.text, c.is, c.was, got, c.holds)
		}
		again, err := ParseCondition(cond.String())
		if err != nil || again != cond {
			t.Errorf("%q is written %q and read as %+v, %v", c.text, cond, again, err)
		}
	}
}

func TestBadConditions(t *testing.T) {
	const known = "known: n, rss, used, age, read, errors, missing, owner, permission"
	for text, want := range map[string]string{
		"":                   `"" does not begin with a name; write it such as "rss > 400M for 5m"`,
		"> 3":                `"> 3" does not begin with a name; write it such as "rss > 400M for 5m"`,
		"rss":                `"rss": rss is not yes or no; compare it, such as with >`,
		"rss >":              `"rss >" has nothing behind >`,
		"rss is 3":           `"rss is 3" has an unknown operator "is"; known: > >= < <= == != changed increased decreased`,
		"rss = 3M":           `"rss = 3M" has an unknown operator "="; known: > >= < <= == != changed increased decreased`,
		"rss > 400":          `"rss > 400": "400" has no unit; known: B K M G T (powers of 1,024)`,
		"rss > manyM":        `"rss > manyM": "many" is no number`,
		"n > NaN":            `"n > NaN": "NaN" is no number`,
		"used > 90":          `"used > 90": "90" has no unit; known: B K M G T (powers of 1,024)`,
		"age > 5":            `"age > 5": "5" has no unit; known: ms, s, m, h, d`,
		"read > 5M":          `"read > 5M": "5M" is no rate; write it with /s`,
		"size > 5M":          `"size > 5M" names the unknown value "size"; ` + known,
		"missing == yes":     `"missing == yes": missing is yes or no and is not compared: write the name alone, or "not" before it`,
		"owner > root":       `"owner > root": owner has no order; use == or !=`,
		"owner increased":    `"owner increased": owner is no number; it can only change`,
		"owner == 'open":     `"owner == 'open": 'open has no closing quote`,
		"permission != 0999": `"permission != 0999": "0999" is no permission; write it in octal, such as 0644`,
		"rss > 3M for long":  `"rss > 3M for long" ends in no duration: "long" is no duration; write it such as "90s", "10m", "2h" or "3d"`,
		"rss > 3M for 0s":    `"rss > 3M for 0s" lasts for nothing`,
		"not rss > 3M":       `"not rss > 3M" has "not" before a comparison; turn the operator round instead`,
	} {
		c, err := ParseCondition(text)
		if err == nil {
			err = c.Validate(allUnits)
		}
		if got := errText(err); got != want {
			t.Errorf("%q:\n got %s\nwant %s", text, got, want)
		}
	}
	if c, _ := ParseCondition("changed"); c.Validate(Kind{Values: allUnits.Values[:2]}) == nil {
		t.Error(`"changed" is taken by a type that cannot tell it`)
	}
	if _, err := ParseCondition("n > " + strings.Repeat("1", conditionBytesMax)); err == nil {
		t.Error("a condition without end is read")
	}
}

func TestWhenTakesATextOrAList(t *testing.T) {
	var w When
	if err := w.UnmarshalTOML("rss > 1M"); err != nil || len(w) != 1 {
		t.Errorf("a text gives %v, %v", w, err)
	}
	if err := w.UnmarshalTOML([]any{"rss > 1M", "missing"}); err != nil || len(w) != 2 {
		t.Errorf("a list gives %v, %v", w, err)
	}
	for _, bad := range []any{int64(3), []any{int64(3)}, make([]any, conditionsMax+1)} {
		if err := w.UnmarshalTOML(bad); err == nil {
			t.Errorf("%v is read", bad)
		}
	}
}

func FuzzCondition(f *testing.F) {
	for _, seed := range []string{"rss > 400M for 5m", "not missing", "changed", "owner == 'a for b'", "used > 90%", "n increased for 1h30m"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ParseCondition(text)
		if err != nil {
			return
		}
		again, err := ParseCondition(c.String())
		if err != nil || again != c {
			t.Fatalf("%q is written %q and read as %+v, %v", text, c, again, err)
		}
		if b, err := c.bind(allUnits); err == nil {
			b.holds(Count(1), Count(2))
			b.said(Count(1), Count(2))
		}
	})
}
