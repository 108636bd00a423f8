package proc

import (
	"strings"
	"testing"
)

// Whatever a service sends is read without harm, and nothing is invented.
func FuzzNotification(f *testing.F) {
	for _, s := range []string{"READY=1", "STATUS=a\nMAINPID=1", "=\n==", "\x00READY=1", "ERRNO=-99999999999999999999"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		n := parseNotification(b, 7, 8)
		if n.PID != 7 || n.UID != 8 {
			t.Error("the sender is the kernel's to say")
		}
		if n.Ready && !strings.Contains("\n"+string(b)+"\n", "\nREADY=1\n") {
			t.Errorf("ready from %q", b)
		}
	})
}

// A process chooses its name, and so part of its stat line.
func FuzzStat(f *testing.F) {
	f.Add("sh", "S 1 2 3")
	f.Add(") R 9", "")
	f.Add("\n", "Z 1 2 3 4 5 6 7 8 9")
	f.Fuzz(func(t *testing.T, name, rest string) {
		var s Stat
		err := s.parse([]byte("42 ("+name+") "+rest), true)
		if err == nil && s.PID != 42 {
			t.Errorf("pid %d", s.PID)
		}
		if err == nil && !strings.Contains(rest, ")") && len(rest) > 0 && s.Comm != name {
			t.Errorf("name %q from %q", s.Comm, name)
		}
	})
}
