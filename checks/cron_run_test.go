package checks

import (
	"testing"
	"time"
	_ "time/tzdata" // a machine without a zone database tests the same
)

// runs lists the runs of a line from one instant to another.
func runs(t *testing.T, line, zone, from, to string) []string {
	t.Helper()
	c, err := ParseCron(line)
	if err != nil {
		t.Fatal(err)
	}
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	at, end := instant(t, from).In(loc), instant(t, to)
	var out []string
	for {
		next := c.NextRun(at)
		if !next.After(at) {
			t.Fatalf("NextRun(%s) is %s", at, next)
		}
		if !next.Before(end) {
			return out
		}
		at = next
		out = append(out, at.Format("02T15:04-07"))
	}
}

func instant(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestRunsWhereClocksChange(t *testing.T) {
	const berlin = "Europe/Berlin"
	for _, c := range []struct {
		name, line, zone, from, to string
		want                       []string
	}{
		{"spring, fixed: right after the gap, once", "15,30 2 * * *", berlin, "2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z",
			[]string{"29T03:00+02", "30T02:15+02", "30T02:30+02"}},
		{"spring, at the end of the gap it is one run", "0 2,3 * * *", berlin, "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z", []string{"29T03:00+02"}},
		{"spring, beside the gap", "30 1,3 * * *", berlin, "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z", []string{"29T01:30+01", "29T03:30+02"}},
		{"spring, every hour", "30 * * * *", berlin, "2026-03-28T23:45:00Z", "2026-03-29T02:45:00Z", []string{"29T01:30+01", "29T03:30+02", "29T04:30+02"}},
		{"autumn, fixed: the first time only", "30 2 * * *", berlin, "2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z", []string{"25T02:30+02", "26T02:30+01"}},
		{"autumn, asked in the second hour", "30 2 * * *", berlin, "2026-10-25T01:10:00Z", "2026-10-26T12:00:00Z", []string{"26T02:30+01"}},
		{"autumn, every half hour: both times", "*/30 * * * *", berlin, "2026-10-24T23:45:00Z", "2026-10-25T02:15:00Z",
			[]string{"25T02:00+02", "25T02:30+02", "25T02:00+01", "25T02:30+01", "25T03:00+01"}},
		{"half an hour, south", "15 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00:00Z", "2026-10-05T00:00:00Z", []string{"04T02:30+11", "05T02:15+11"}},
		{"midnight does not exist", "0 0 * * *", "America/Santiago", "2026-09-05T12:00:00Z", "2026-09-07T12:00:00Z", []string{"06T01:00-03", "07T00:00-03"}},
		{"a year over all changes", "30 2 1 1 *", berlin, "2026-01-02T00:00:00Z", "2028-01-02T00:00:00Z", []string{"01T02:30+01", "01T02:30+01"}},
		{"no changes at all", "0 3 * * *", "UTC", "2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z", []string{"29T03:00+00", "30T03:00+00"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := runs(t, c.line, c.zone, c.from, c.to)
			if len(got) != len(c.want) {
				t.Fatalf("got %q, want %q", got, c.want)
			}
			for i := range got {
				if got[i] != c.want[i] {
					t.Errorf("got %q, want %q", got, c.want)
				}
			}
		})
	}
}
