package lockfile

import (
	"context"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// TombstoneAge is how long an ended lock's id is remembered, so that a late request cannot
// raise it again.
const TombstoneAge = 30 * 24 * time.Hour

// Recovered is what Recover found.
type Recovered struct {
	Alive       []Record // in flight although their daemon is dead: adopt them as such
	Interrupted []Record // reported and removed
	Unreadable  []Unreadable
}

// Recover is for a daemon that has LockDaemon, before it decides anything: it removes what
// ended locks, dead makers and old tombstones left behind, and says which actions are in flight
// (alive) and which were interrupted. What it cannot read or remove it names, and goes on.
func (d *Dir) Recover(ctx context.Context) (Recovered, error) {
	var r Recovered
	if err := d.marked(); err != nil {
		return r, err
	}
	d.sweepTemps(&r)
	d.sweepEnded(ctx, &r)
	d.sweepTombstones(&r)
	d.sweepRecords(ctx, &r)
	d.keepSpares()
	return r, ctx.Err()
}

// note keeps a failure for the report. One file that cannot be had stops no recovery.
func (r *Recovered) note(path string, err error) {
	if err != nil && !isAbsent(err) {
		r.Unreadable = append(r.Unreadable, Unreadable{path, err})
	}
}

// sweepTemps removes temporary files whose makers are dead; a living one may be about to rename his.
func (d *Dir) sweepTemps(r *Recovered) {
	names, err := d.disk.list(d.path + "/tmp")
	r.note(d.path+"/tmp", err)
	for _, n := range names {
		maker, boot, ok := tempMaker(n)
		if !ok || boot == d.boot && maker.Alive() {
			continue
		}
		r.note(d.path+"/tmp/"+n, d.disk.unlink(d.path+"/tmp/"+n))
	}
}

// sweepEnded removes lock files whose id is in ended/, under the gate of the service, as every
// removal.
func (d *Dir) sweepEnded(ctx context.Context, r *Recovered) {
	for _, t := range d.targets(&r.Unreadable) {
		names, err := d.disk.list(d.lockDir(t))
		r.note(d.lockDir(t), err)
		for _, n := range names {
			id := baseID(n)
			if id == "" {
				continue
			}
			if ended, err := d.disk.exists(d.endedPath(id)); err != nil || !ended {
				continue
			}
			var gates []*gate
			if t.Kind == TargetService {
				if gates, _, err = d.takeAll(ctx, []string{t.Name}, unix.LOCK_EX, gateWait{until: time.Now()}); err != nil {
					continue // in flight: the next recovery does it; the file is void meanwhile
				}
			}
			r.note(d.lockFile(t, id), d.disk.unlink(d.lockFile(t, id)))
			releaseAll(gates)
		}
	}
}

// sweepTombstones forgets ids that ended long ago and have no file left that they would keep void.
func (d *Dir) sweepTombstones(r *Recovered) {
	names, err := d.disk.list(d.path + "/ended")
	r.note(d.path+"/ended", err)
	for _, n := range names {
		path := d.path + "/ended/" + n
		st, err := d.disk.stat(path)
		r.note(path, err)
		id := baseID(n)
		// By the time of the move (ctime): the content may be years old by a clock that was wrong.
		if err != nil || id == "" || time.Since(time.Unix(st.Ctim.Unix())) < TombstoneAge || d.hasFile(id) {
			continue
		}
		r.note(path, d.disk.unlink(path))
	}
}

// hasFile says whether a lock file of this id stands anywhere, or may: unsure is yes, since the
// tombstone is what keeps it void.
func (d *Dir) hasFile(id string) bool {
	var bad []Unreadable
	return len(d.standing(id, &bad)) > 0 || len(bad) > 0
}

// sweepRecords judges what the daemon before this one left in flight.
func (d *Dir) sweepRecords(ctx context.Context, r *Recovered) {
	names, err := d.disk.list(d.path + "/inflight")
	r.note(d.path+"/inflight", err)
	for _, s := range names {
		if strings.Contains(s, "/") || ValidName(s) != nil {
			continue
		}
		d.sweepRecord(ctx, s, r)
	}
}

// sweepRecord judges one record, under its gate if that is free. If it is not, somebody inherited it.
func (d *Dir) sweepRecord(ctx context.Context, service string, r *Recovered) {
	g, gateErr := d.take(ctx, service, unix.LOCK_EX, gateWait{until: time.Now()})
	if gateErr == nil {
		defer g.release()
	}
	var rec *Record
	var err error
	if gateErr != nil { // a helper has it; the record is read as it is
		rec, err = d.readRecord(service)
	} else { // a living one works on without the gate
		rec, err = d.settleRecord(service, &r.Interrupted)
	}
	r.note(d.recordPath(service), err)
	if rec != nil {
		r.Alive = append(r.Alive, *rec)
	}
}
