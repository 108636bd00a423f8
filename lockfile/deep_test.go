package lockfile

import (
	"fmt"
	"strings"
	"testing"
)

// Deep nesting must neither overflow the stack, which no recover catches, nor take the gate's time: this test ends, or it fails.
func TestDeepNestingIsJustDamaged(t *testing.T) {
	for _, open := range []string{"[", "{a=", "[{a=", "[\"]\",", "['''\n]''',", "[#]\n"} {
		content := "format = 1\nx = " + strings.Repeat(open, fileBytesMax/len(open))
		if _, err := parseLock([]byte(content), "x1"); err == nil || !strings.Contains(err.Error(), "nested") {
			t.Errorf("%q: %v", open, err)
		}
	}
}

func TestBracketsInTextAreNotNesting(t *testing.T) {
	deep := strings.Repeat("[{", 100)
	for _, text := range []string{`"%s"`, `'%s'`, `"""%s"""`, `'''%s'''`, `1 # %s`, `"\"%s"`, `"""\"""%s"""`, `[1] # %s`} {
		b := []byte(fmt.Sprintf("x = "+text+"\n", deep))
		if tooDeep(b) {
			t.Errorf("%.30s counts as nesting", b)
		}
	}
	if !tooDeep([]byte("x = "+deep)) || tooDeep([]byte(strings.Repeat("[a]\nx = [1]\n", 100))) {
		t.Error("wrong count")
	}
}
