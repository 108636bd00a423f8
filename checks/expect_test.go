package checks

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
)

// pieces is a peer that sends a few bytes at a time.
type pieces struct {
	left []byte
	size int
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.left) == 0 {
		return 0, io.EOF
	}
	n := copy(b, p.left[:min(p.size, len(p.left))])
	p.left = p.left[n:]
	return n, nil
}

func TestCollect(t *testing.T) {
	long := strings.Repeat("x", replyBytesMax)
	for name, c := range map[string]struct {
		sent, text, expr string
		size             int
		found            bool
		read             int
		err              error
	}{
		"in one piece":         {"+PONG\r\n", "PONG", "", 100, true, 7, nil},
		"across pieces":        {"+PONG\r\n", "PONG", "", 1, true, 5, nil},
		"both wanted":          {"a=1 b=2", "b=", `a=\d`, 2, true, 6, nil},
		"one of two":           {"a=1", "b=", `a=\d`, 2, false, 3, nil},
		"end of the answer":    {"done", "", "^done$", 4, true, 4, nil},
		"empty answer matches": {"", "", "^$", 4, true, 0, nil},
		"not there":            {"nothing", "PONG", "", 3, false, 7, nil},
		"too long":             {long + "PONG", "PONG", "", 4096, false, replyBytesMax, errTooLong},
		"at the very end":      {long[:replyBytesMax-4] + "PONG", "PONG", "", 1000, true, replyBytesMax, nil},
		"late, byte by byte":   {long[:9000] + "PONG" + long[:4000], "PONG", "", 1, true, 0, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, found, err := collect(&pieces{[]byte(c.sent), c.size}, newPattern(c.text, c.expr))
			if found != c.found || !errors.Is(err, c.err) || c.read > 0 && len(got) != c.read {
				t.Errorf("found %t after %d bytes, %v; want %t after %d, %v", found, len(got), err, c.found, c.read, c.err)
			}
		})
	}
}

// TestCollectSearchesLittle: a peer that sends single bytes must not make every one of them cost a search of them all.
func TestCollectSearchesLittle(t *testing.T) {
	const sent = 200_000
	r := &pieces{bytes.Repeat([]byte("a"), sent), 1}
	if n := testing.AllocsPerRun(1, func() { collect(r, newPattern("b", "")) }); n > 40 {
		t.Errorf("%v allocations", n)
	}
	// Time is not asserted: without the bound this test takes 20 GB of searching, and the package's time limit finds it.
	if _, found, err := collect(&pieces{bytes.Repeat([]byte("a"), sent), 1}, newPattern("", "a+b")); found || err != nil {
		t.Errorf("found %t, %v", found, err)
	}
}

func TestExcerptIsOneCleanLine(t *testing.T) {
	for sent, want := range map[string]string{
		"db down\n":            `"db down"`,
		" a \r\n\t b ":         `"a b"`,
		"\x1b[2Jboo\x07":       `"\x1b[2Jboo\a"`,
		"\xff\xfe":             `"\xff\xfe"`,
		"":                     `""`,
		"grün " + "ü":          `"grün ü"`,
		"a" + "\u202e" + "cod": `"a\u202ecod"`,
	} {
		if got := excerpt([]byte(sent)); got != want {
			t.Errorf("%q becomes %s, want %s", sent, got, want)
		}
	}
	if got := excerpt(bytes.Repeat([]byte("ü"), 5000)); len(got) > quotedMax+2 || !strings.HasSuffix(got, `…"`) {
		t.Errorf("a long answer becomes %s", got)
	}
}
