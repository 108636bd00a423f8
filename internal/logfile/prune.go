package logfile

import (
	"os"
	"time"
)

// prune removes rotated files, oldest first, so that one more of the given bytes fits into the rule (0 = none is about to come).
func prune(list []Rotated, rule Rule, coming int64, now time.Time) error {
	left, total := len(list), coming
	for _, r := range list {
		total += r.Size
	}
	room := rule.Keep
	if coming > 0 {
		room--
	}
	for _, r := range list {
		old := rule.Age > 0 && now.Sub(r.Time) > rule.Age
		if left <= room && total <= rule.Size*int64(rule.Keep)+slack(rule) && !old {
			break
		}
		if err := os.Remove(r.Path); err != nil && !os.IsNotExist(err) {
			return err
		}
		left, total = left-1, total-r.Size
	}
	return nil
}

// slack is how much rotated files may have above the rule in all: each is a little larger than Size, as a log is looked at
// now and then only.
func slack(rule Rule) int64 { return rule.Size }
