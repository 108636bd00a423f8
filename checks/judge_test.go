package checks

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// looks plays one letter per 10 s: . is ok, x failing, ? unknown, r a reset. It returns what was believed to change, one
// letter per look: F failed, R recovered, - nothing.
func looks(j *judge, letters string) string {
	at := time.Unix(0, 0)
	var out strings.Builder
	for _, letter := range letters {
		at = at.Add(10 * time.Second)
		state := OK
		switch letter {
		case 'x':
			state = Failing
		case '?':
			state = Unknown
		case 'r':
			j.reset()
			out.WriteByte('r')
			continue
		}
		out.WriteByte("-FR"[j.see(state, at)])
	}
	return out.String()
}

func TestTolerance(t *testing.T) {
	for _, c := range []struct{ fail, recover, looks, want string }{
		{"1", "1", "..xx..x", "--F-R-F"},
		{"3", "1", "xx.xxxx.", "-----F-R"},
		{"3", "2", "xxx.x..", "--F---R"},
		// Unknown is no evidence, neither for nor against.
		{"3", "1", "x?x?x", "----F"},
		{"1", "2", "x.?.", "F--R"},
		{"1", "1", "???x", "---F"},
		{"3 of 5", "1", "x.x.x", "----F"},
		{"3 of 5", "1", "x..x..x..x", "----------"},
		{"3 of 5", "1", "xx???x", "-----F"},
		{"1", "2 of 3", "x.x.", "F--R"},
		// 2m at one look per 10 s: the thirteenth look is 120 s after the first.
		{"2m", "1", "xxxxxxxxxxxxxx", "------------F-"},
		{"2m", "1", "xxxxxx.xxxxxxx", "--------------"},
		// Two minutes in which nobody could look are not two minutes of failure.
		{"30s", "1", "x????????x", "----------"},
		{"20s", "1", "xx??xx", "-----F"},
		{"1", "20s", "x...", "F--R"},
		// A reset owes the recovery of what was told, and tells what goes on.
		{"2", "1", "xxrx.", "-Fr-R"},
		{"2", "1", "xxrxx", "-Fr-F"},
		{"2", "2", "xxr..", "-Fr-R"},
		{"2", "1", "xrx", "-r-"},
		{"1", "1", ".r.", "-r-"},
	} {
		j := &judge{fail: tolerance(t, c.fail), recover: tolerance(t, c.recover)}
		if got := looks(j, c.looks); got != c.want {
			t.Errorf("fail_after %s, recover_after %s:\nlooks %s\ngot   %s\nwant  %s", c.fail, c.recover, c.looks, got, c.want)
		}
	}
}

// TestJudgeAlternates: whatever is seen, failed and recovered take turns, except that a reset may tell a failure again.
func TestJudgeAlternates(t *testing.T) {
	for seed := range 3000 {
		letters := ""
		for n, i := seed, 0; i < 12; i++ {
			letters += string("x.?"[n%3])
			n = n/3 + seed*7
		}
		for _, tol := range []string{"1", "2", "2 of 3", "20s"} {
			j := &judge{fail: tolerance(t, tol), recover: tolerance(t, tol)}
			told := strings.ReplaceAll(looks(j, letters), "-", "")
			if strings.Contains(told, "FF") || strings.Contains(told, "RR") || strings.HasPrefix(told, "R") {
				t.Fatalf("tolerance %s, looks %s: told %s", tol, letters, told)
			}
		}
	}
}

func TestParseTolerance(t *testing.T) {
	for text, want := range map[string]Tolerance{
		"3": {Count: 3}, "3 of 5": {Count: 3, Of: 5}, "2m": {For: 2 * time.Minute},
	} {
		got := tolerance(t, text)
		if got != want || got.String() != text && got.For == 0 {
			t.Errorf("%q is read as %+v and written %q", text, got, got)
		}
	}
	var tol Tolerance
	if err := tol.UnmarshalTOML(int64(4)); err != nil || tol.Count != 4 {
		t.Errorf("a number gives %+v, %v", tol, err)
	}
	for _, bad := range []any{int64(0), "0", "-1", "5 of 3", "0 of 3", "3 of 65", "x of y", "often", "0s", "", true} {
		if err := tol.UnmarshalTOML(bad); err == nil {
			t.Errorf("%v is read as %+v", bad, tol)
		}
	}
	want := `"5 of 3" is no tolerance; write "n of m" with n at least 1 and at most m`
	if got := errText(tol.UnmarshalTOML("5 of 3")); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func tolerance(t *testing.T, text string) Tolerance {
	t.Helper()
	tol, err := ParseTolerance(text)
	if err != nil {
		t.Fatal(fmt.Errorf("%q: %w", text, err))
	}
	return tol
}
