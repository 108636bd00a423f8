package journal

import (
	"encoding/binary"
	"time"

	"go.etcd.io/bbolt"
)

// batch is what one commit saves.
type batch struct {
	events   []Event
	counters map[key]uint64
	checks   map[key][]CheckResult
	lost     uint64 // told by its marker
	now      time.Time
	keep     Keep
}

func (b *batch) empty() bool { return len(b.events)+len(b.counters)+len(b.checks) == 0 }

// commit writes a batch and prunes, all or nothing.
func (s *store) commit(b *batch) error {
	count := s.count
	err := s.guarded(func() error {
		return s.db.Update(func(tx *bbolt.Tx) error {
			n, err := putEvents(tx.Bucket([]byte(bucketEvents)), b, count)
			if err != nil {
				return err
			}
			count += n
			if err := putCounters(tx.Bucket([]byte(bucketCounters)), b.counters); err != nil {
				return err
			}
			return putChecks(tx.Bucket([]byte(bucketChecks)), b.checks)
		})
	})
	if err == nil {
		s.count = count
	}
	return err
}

// putEvents returns by how many events the bucket grew.
func putEvents(bucket *bbolt.Bucket, b *batch, count int) (grown int, err error) {
	bucket.FillPercent = fillEvents
	for i := range b.events {
		e := &b.events[i]
		if err := bucket.Put(seqKey(e.Seq), encodeEvent(e)); err != nil {
			return 0, err
		}
	}
	old := prunable(bucket, b, count+len(b.events))
	for _, k := range old {
		if err := bucket.Delete(k); err != nil {
			return 0, err
		}
	}
	return len(b.events) - len(old), nil
}

// prunable are the keys of the oldest events that there are too many of or that
// are too old. A large backlog goes in several batches.
func prunable(bucket *bbolt.Bucket, b *batch, count int) (keys [][]byte) {
	limit := pruneMax + len(b.events)
	oldest := b.now.Add(-b.keep.Age)
	c := bucket.Cursor()
	for k, v := c.First(); k != nil && len(keys) < limit; k, v = c.Next() {
		left := count - len(keys)
		old := b.keep.Age > 0 && left > b.keep.Min && storedTime(v).Before(oldest)
		if left <= b.keep.Events && !old {
			break
		}
		keys = append(keys, append([]byte(nil), k...)) // k moves when the page changes
	}
	return keys
}

func putCounters(bucket *bbolt.Bucket, counters map[key]uint64) error {
	for k, n := range counters {
		v := binary.BigEndian.AppendUint64(make([]byte, crcBytes), n)
		if err := bucket.Put(k.bytes(), sealed(v)); err != nil {
			return err
		}
	}
	return nil
}

// putChecks joins each check's results to those that were saved by an earlier
// run of supd.
func putChecks(bucket *bbolt.Bucket, checks map[key][]CheckResult) error {
	for k, fresh := range checks {
		var saved []CheckResult
		if v := bucket.Get(k.bytes()); v != nil {
			saved, _, _ = decodeHistory(v) // what is damaged is replaced
		}
		v, err := encodeHistory(merge(saved, fresh))
		if err != nil {
			return err
		}
		if err := bucket.Put(k.bytes(), v); err != nil {
			return err
		}
	}
	return nil
}
