package lockfile

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Epoch is the token of a service that changes at each release. A decision made under one epoch
// is void under another.
type Epoch struct {
	Token    string // "" if the service was never released
	BootID   string
	Boottime int64 // CLOCK_BOOTTIME in ns when it was written: a settle time counts from here, on this boot only
	Release  bool  // made by the end of a lock; otherwise by a hold that was cleared or a lock that was handed over: nothing settles
}

// Observation is what a decision starts from.
type Observation struct {
	PlanGen uint64
	Epoch   Epoch
	Cover   Cover
}

// Observe reads epoch, then locks, then holds. The caller looks at the process itself only
// afterwards. If the epoch or the plan cannot be read, Cover.Unreadable says so and nothing may
// be decided.
func (d *Dir) Observe(service string) Observation {
	var o Observation
	var bad []Unreadable
	plan, err := d.Plan() // an error is in the cover as well
	if err == nil {
		o.PlanGen = plan.Generation
	}
	if o.Epoch, err = d.epoch(service); err != nil {
		bad = append(bad, Unreadable{d.epochPath(service), err})
	}
	o.Cover = d.withRecord(service, d.Cover(service))
	o.Cover.Unreadable = append(o.Cover.Unreadable, bad...)
	return o
}

// epoch reads the token of a service; none is the zero Epoch, an unreadable one an error.
func (d *Dir) epoch(service string) (Epoch, error) {
	if err := ValidName(service); err != nil {
		return Epoch{}, err
	}
	b, err := d.disk.read(d.epochPath(service))
	if isAbsent(err) {
		return Epoch{}, nil
	}
	if err != nil {
		return Epoch{}, err
	}
	f := strings.Fields(string(b))
	if len(f) < 3 || len(f) > 4 { // a power loss may have emptied it: a token of its own, which no decision has
		return Epoch{Token: damagedEpoch}, nil
	}
	at, err := strconv.ParseInt(f[2], 10, 64)
	if err != nil {
		return Epoch{Token: damagedEpoch}, nil
	}
	return Epoch{f[0], f[1], at, len(f) == 4 && f[3] == releaseMark}, nil
}

// damagedEpoch is the token of an epoch that says nothing.
const damagedEpoch = "damaged"

// releaseMark is the fourth word of an epoch that the end of a lock made.
const releaseMark = "release"

// newEpoch gives services a new token; mark is releaseMark or empty. The gates of all of them
// are held. No fsync: power loss ends every decision anyway. Services that say the same share
// one file, so that a release costs one block however many they are.
func (d *Dir) newEpoch(services []string, mark string) error {
	type stamp struct {
		at   int64
		mark string
	}
	now := stamp{boottime(), mark}
	alike := map[stamp][]string{}
	for _, s := range services {
		st := now
		// What is no release does not end the time to settle after one.
		if old, err := d.epoch(s); mark == "" && err == nil && old.Release && old.BootID == d.boot {
			st = stamp{old.Boottime, releaseMark}
		}
		alike[st] = append(alike[st], s)
	}
	for st, names := range alike {
		if err := d.putEpoch(names, fmt.Appendf(nil, "%s %s %d %s\n", NewID(), d.boot, st.at, st.mark)); err != nil {
			return fmt.Errorf("cannot write a new epoch: %w", err)
		}
	}
	return nil
}

// putEpoch gives services this epoch, in one file with a name for each.
func (d *Dir) putEpoch(services []string, content []byte) error {
	tmp, err := d.temp(content, false)
	if err != nil {
		return err
	}
	for i, s := range services {
		from := tmp
		if i < len(services)-1 {
			from = d.tempName()
			if err := d.disk.link(tmp, from); err != nil {
				d.disk.unlink(tmp)
				return err
			}
		}
		if err := d.disk.renameOver(from, d.epochPath(s)); err != nil {
			d.disk.unlink(from)
			d.disk.unlink(tmp)
			return err
		}
	}
	return nil
}

// boottime is CLOCK_BOOTTIME in ns: it counts sleep and knows no steps.
func boottime() int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		return 0
	}
	return ts.Nano()
}
