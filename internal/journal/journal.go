package journal

import (
	"context"
	"time"
)

// Options of a journal. Only Path is needed.
type Options struct {
	Path  string // STATE/journal.db; its directory must exist, or the journal works in memory
	Keep  Keep   // what is pruned; zero: keepDefault
	Queue int    // events that may wait for the disk; 0 = queueDefault

	Now      func() time.Time // nil: time.Now
	Boottime func() int64     // ns of CLOCK_BOOTTIME; nil: the kernel's
}

// Keep says how much history is kept. Age never takes the newest Min events, so
// that a clock set to the future does not empty the record.
type Keep struct {
	Age    time.Duration
	Events int // at most so many
	Min    int
}

// State tells how the journal stands, for status and doctor.
type State struct {
	Saving bool      // events reach the database
	Reason string    // why not, in words; "" while Saving
	Since  time.Time // of that reason
	Lost   uint64    // events dropped from the queue since Open, never saved
	Waits  int       // events in the queue now
}

// Journal is the record of a daemon. All methods may be called from any
// goroutine; Append, Count and CheckDone never block and never fail.
type Journal struct{}

// Open starts a journal. It returns at once: the database is opened by the
// writer goroutine, and events appended before that are kept for it. It never
// fails; what is wrong with the file is told by an event and by State.
func Open(o Options) *Journal { panic("api") }

// Append records e: Seq, Time (unless set) and Boottime are filled in here.
func (j *Journal) Append(e Event) { panic("api") }

// Count adds delta to a counter, e.g. Count("db", "restarts", 1).
func (j *Journal) Count(service, name string, delta uint64) { panic("api") }

// Counter is the counter's value; 0 for one never counted, and for all until
// the database has been read (see Ready).
func (j *Journal) Counter(service, name string) uint64 { panic("api") }

// CheckDone puts a result into the check's history (the newest historyKept are
// kept). It reaches the disk when the state changed, and at Close.
// service is "" for a check that belongs to none.
func (j *Journal) CheckDone(service, check string, r CheckResult) { panic("api") }

// CheckHistory is the newest n results of a check (n <= 0: all kept), oldest first.
func (j *Journal) CheckHistory(service, check string, n int) []CheckResult { panic("api") }

// Ready is closed when the database has been read or given up.
func (j *Journal) Ready() <-chan struct{} { panic("api") }

// Events answers a query, oldest first. It sees everything appended before the
// call, saved or not. Only the context's end, or a database that breaks during
// the read, is an error; the events known in memory come with it.
func (j *Journal) Events(ctx context.Context, q Query) ([]Event, error) { panic("api") }

// Follow is Events and then everything that comes, without a gap or a repeat.
// The subscriber must call Close. One that is followQueue events behind is cut
// off: its channel closes and Err says so.
func (j *Journal) Follow(ctx context.Context, q Query) (*Follower, error) { panic("api") }

// Follower receives events as they come.
type Follower struct {
	C       <-chan Event // closed by Close, by the journal's Close, or when too slow
	Backlog []Event      // what the query selected at the beginning, oldest first
}

// Err tells why C was closed: nil after Close, ErrSlow, or ErrClosed.
func (f *Follower) Err() error { panic("api") }

// Close ends the subscription.
func (f *Follower) Close() { panic("api") }

// Flush returns when everything appended before is on disk, or with the reason
// why it cannot be, or when ctx ends.
func (j *Journal) Flush(ctx context.Context) error { panic("api") }

// State tells whether the journal saves.
func (j *Journal) State() State { panic("api") }

// Close saves what waits (at most closeWait) and ends the journal. Later calls
// of Append do nothing.
func (j *Journal) Close() error { panic("api") }

// Reader reads a database that no daemon has open.
type Reader struct{}

// OpenReader opens the database for reading, for supctl without a daemon. It is
// *BusyError when a daemon has it, fs.ErrNotExist when there is none, and
// *DamagedError when it cannot be trusted. It changes nothing.
func OpenReader(path string) (*Reader, error) { panic("api") }

// Events answers a query, oldest first.
func (r *Reader) Events(q Query) ([]Event, error) { panic("api") }

// CheckHistory is the newest n results of a check, oldest first.
func (r *Reader) CheckHistory(service, check string, n int) ([]CheckResult, error) { panic("api") }

// Close gives the database back.
func (r *Reader) Close() error { panic("api") }
