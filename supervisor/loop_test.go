package supervisor

import (
	"slices"
	"testing"

	"github.com/supd/supd/supervisor/core"
)

// A look overtakes what is told, and nothing that it could have to see.
func TestLooksOvertakeOnlyWhatIsTold(t *testing.T) {
	a, b := core.Emit{Type: "a"}, core.Emit{Type: "b"}
	look, other, hold := core.Observe{Service: "db"}, core.Observe{Service: "web"}, core.AddHold{Service: "db"}
	kinds := func(as []core.Action) (s string) {
		for _, x := range as {
			switch x := x.(type) {
			case core.Emit:
				s += x.Type
			case core.Observe:
				s += "(" + x.Service + ")"
			case core.AddHold:
				s += "+"
			}
		}
		return s
	}
	for _, c := range []struct {
		actions []core.Action
		want    string
	}{
		{nil, ""},
		{[]core.Action{a, b, look}, "(db)ab"},
		{[]core.Action{a, hold, b, look}, "a+(db)b"},
		{[]core.Action{look, a, other, b}, "(db)(web)ab"},
	} {
		if got := kinds(looksFirst(slices.Clone(c.actions))); got != c.want {
			t.Errorf("%s became %s, want %s", kinds(c.actions), got, c.want)
		}
	}
}
