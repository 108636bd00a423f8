package hands

import (
	"strings"
	"testing"
)

// A service may use a name of its own choice, and the number of one of several instances is in SUPD_INSTANCE: none of it may
// hide what tells supd's own processes from strangers.
func TestEnvHasNoNameTwice(t *testing.T) {
	h := &Hands{StateDir: "/var/lib/supd"}
	seen := map[string]bool{}
	for _, v := range h.env(&Spec{Service: "web@2", Gen: 3, Env: []string{"PATH=/bin", "SUPD_INSTANCE=2"}}) {
		name, _, _ := strings.Cut(v, "=")
		if seen[name] {
			t.Errorf("%s is there twice", name)
		}
		seen[name] = true
	}
}
