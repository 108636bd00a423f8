package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// tailSuffix names the file beside the database that holds the newest events until they are in it. It is written with plain
// writes: what stands there outlives the death of supd at once, and a power loss once it is in the database, which is a
// tenth of a second later. A commit before each answer would cost a person two fsyncs of waiting.
const tailSuffix = ".tail"

// tailBytesMax bounds the tail: it only grows like that while the database saves nothing.
const tailBytesMax = 1 << 20

// tail is the writing end. Each record is its length (4), the event's number (8), and the stored event with its checksum.
type tail struct {
	path string
	here func() error  // Options.Present
	turn chan struct{} // capacity 1: whoever has put something in has the rest

	file *os.File
	size int64
	upto uint64  // newest event that stands there
	left []Event // what an earlier run left there; until the database has it, nothing is added and nothing dropped
}

func newTail(path string, here func() error) *tail {
	return &tail{path: path, here: here, turn: make(chan struct{}, 1)}
}

// add appends events; its caller has the turn.
func (t *tail) add(events []Event) (err error) {
	if t.file == nil {
		if err := t.here(); err != nil {
			return err
		}
		if t.file, err = os.OpenFile(t.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, fileMode); err != nil {
			return err
		}
		if info, err := t.file.Stat(); err == nil {
			t.size = info.Size()
		}
	}
	var b []byte
	for i := range events {
		e := encodeEvent(&events[i])
		b = binary.BigEndian.AppendUint32(b, uint32(len(e)))
		b = binary.BigEndian.AppendUint64(b, events[i].Seq)
		b = append(b, e...)
	}
	if t.size+int64(len(b)) > tailBytesMax {
		return fmt.Errorf("%q is full", t.path)
	}
	n, err := t.file.Write(b) // all in one: a reader finds a beginning, never a gap
	t.size += int64(n)
	if err == nil {
		t.upto = events[len(events)-1].Seq
	}
	return err
}

// empty forgets what the database has; its caller has the turn.
func (t *tail) empty() error {
	err := os.Truncate(t.path, 0)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		t.size = 0
		return nil
	}
	return err
}

// readTail is what stands in the tail of a database, up to the first record that is damaged or was cut off.
func readTail(path string) []Event {
	info, err := os.Stat(path)
	if err != nil || info.Size() > 2*tailBytesMax {
		return nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	var events []Event
	for len(b) >= 12 {
		n, seq := int(binary.BigEndian.Uint32(b)), binary.BigEndian.Uint64(b[4:])
		if b = b[12:]; n > len(b) {
			break
		}
		e, _, err := decodeEvent(seq, b[:n], &Query{})
		if err != nil {
			break
		}
		events, b = append(events, e), b[n:]
	}
	return events
}

// Secure brings everything that was appended before to where it outlives this process, and reports whether it is there. It
// gives up after limit, and at once while an earlier call has not come to its end: who answers a person must not be held up
// by a record that cannot be made.
func (j *Journal) Secure(limit time.Duration) bool {
	end := time.NewTimer(limit)
	defer end.Stop()
	select {
	case <-j.ready: // before that, numbers are not final
	case <-end.C:
		return false
	}
	select {
	case j.tail.turn <- struct{}{}:
	default: // somebody is at it; if he hangs, nobody waits for him twice
		if j.isLate() {
			return false
		}
		select {
		case j.tail.turn <- struct{}{}:
		case <-end.C:
			return false
		}
	}
	written := make(chan bool, 1)
	go func() {
		ok := j.toTail()
		j.setLate(false)
		<-j.tail.turn
		written <- ok
	}()
	select {
	case ok := <-written:
		return ok
	case <-end.C:
		j.setLate(true)
		return false
	}
}

// toTail writes what is neither in the database nor in the tail. The caller has the tail's turn.
func (j *Journal) toTail() bool {
	var events []Event
	j.mu.Lock()
	j.ring.each(max(j.saved, j.tail.upto), func(e *Event) bool { events = append(events, *e); return true })
	ended := j.ended
	j.mu.Unlock()
	if len(events) == 0 || ended || len(j.tail.left) > 0 {
		return len(events) == 0
	}
	if err := j.o.fault(stepTail); err != nil {
		return false
	}
	return j.tail.add(events) == nil
}

func (j *Journal) isLate() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.late
}

func (j *Journal) setLate(late bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.late = late
}

// emptyTail drops the tail if the database has all of it; not now, if somebody is writing there. For the writer.
func (j *Journal) emptyTail() {
	select {
	case j.tail.turn <- struct{}{}:
	default:
		return
	}
	defer func() { <-j.tail.turn }()
	j.mu.Lock()
	saved := j.saved
	j.mu.Unlock()
	if j.tail.size > 0 && j.tail.upto <= saved && len(j.tail.left) == 0 {
		_ = j.tail.empty() // read again, it holds nothing new
	}
}
