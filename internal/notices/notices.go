package notices

import (
	"fmt"
	"slices"
	"time"

	"github.com/supd/supd/lockfile"
)

// Notice is one thing to tell. Text may hold what others have written: who shows it makes it harmless.
type Notice struct {
	Key  string // the same as long as it is the same notice
	At   time.Time
	Text string
}

// For is everything there is to tell me, told or not, oldest first. What I did myself in this session is no news.
func For(me lockfile.Owner, locks, ended []lockfile.Lock, now time.Time) []Notice {
	var out []Notice
	for _, l := range ended {
		if e := l.Ended; e != nil && l.Owner.SameLogin(me) && !e.By.Same(me) {
			stands := slices.ContainsFunc(locks, func(next lockfile.Lock) bool { return next.Replaces == l.ID })
			if text := Gone(l, *e, stands); text != "" {
				out = append(out, Notice{e.How + " " + l.ID, e.At, text})
			}
		}
	}
	for _, l := range locks {
		if l.Offer.To(me) && !l.Owner.Same(me) {
			out = append(out, Notice{fmt.Sprintf("offer %s %d", l.ID, l.Offers), l.Offer.At, Offered(l)})
		}
		if l.Owner.SameLogin(me) && l.Overdue(now) {
			out = append(out, Notice{fmt.Sprintf("overdue %s %d", l.ID, l.Until.Unix()), l.Until, Overdue(l)})
		}
	}
	slices.SortStableFunc(out, func(a, b Notice) int { return a.At.Compare(b.At) })
	return out
}

// Offered tells the one to whom a lock is offered; it has an offer.
func Offered(l lockfile.Lock) string {
	return fmt.Sprintf("%s offers you the lock on %s%s; take it over with: supctl maintenance accept %s", l.Offer.By, l.Target, because(l.Offer.Note), l.Target)
}

// Overdue tells the owner of a lock that its time is over.
func Overdue(l lockfile.Lock) string {
	return fmt.Sprintf("your lock on %s%s was expected to end at %s; it is overdue and goes on holding: supctl maintenance end %s, or extend",
		l.Target, because(l.Reason), l.Until.Local().Format(time.DateTime), l.Target)
}

// Gone tells the former owner of a lock who has taken it, and how; "" for an end, which is one's own doing, in whatever session.
// stands says that the lock which took its place is there yet.
func Gone(l lockfile.Lock, e lockfile.Ended, stands bool) string {
	at, now := e.At.Local().Format(time.DateTime), "their lock is gone since: supctl maintenance history "+l.Target.String()
	switch e.How {
	case "break":
		if stands {
			now = "they hold it now, ask them before you go on"
		}
		return fmt.Sprintf("your lock on %s%s was broken by %s at %s%s; %s", l.Target, because(l.Reason), e.By, at, because(e.Note), now)
	case "transfer":
		if stands {
			now = "it is theirs now"
		}
		return fmt.Sprintf("%s accepted your lock on %s%s at %s; %s", e.By, l.Target, because(l.Reason), at, now)
	}
	return ""
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return " (" + reason + ")"
}
