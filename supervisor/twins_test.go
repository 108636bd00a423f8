package supervisor

import "testing"

// TestTwinsAreNotStartedSideBySide: a renamed service was started under its old name by one person and under its new one by
// "reload --apply", within a millisecond, each behind its own gate.
func TestTwinsAreNotStartedSideBySide(t *testing.T) {
	for _, c := range []struct {
		name                        string
		oldFirst, orphaned, allowed bool
	}{
		{"the old name first", true, true, false},
		{"the new name first", false, true, false},
		{"both in the config", true, false, true}, // two services may run the same command
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &Supervisor{services: registry{all: map[string]*service{}}}
			old, heir := s.services.put("old", nil), s.services.put("new", nil)
			old.orphaned = c.orphaned
			s.services.orphans.Store(true)
			first, second := heir, old
			if c.oldFirst {
				first, second = old, heir
			}
			release, err := s.alone(first, first.orphaned, "same")
			if err != nil {
				t.Fatal(err)
			}
			again, err := s.alone(second, second.orphaned, "same")
			if (err == nil) != c.allowed {
				t.Errorf("beside it: %v, want allowed: %v", err, c.allowed)
			}
			again()
			if other, err := s.alone(second, second.orphaned, "another"); err != nil {
				t.Errorf("another command: %v", err)
			} else {
				other()
			}
			release()
			if _, err := s.alone(second, second.orphaned, "same"); err != nil {
				t.Errorf("after it: %v", err)
			}
		})
	}
}
