// Package journal keeps the record of what happened: events, counters and the
// history of checks, in one bbolt file (STATE/journal.db).
//
//	Append ──► stamp, number ──► ring of recent events ──► followers
//	                        └──► queue (bounded) ──► one writer ──► bbolt
//
// Nobody who supervises waits for it. A caller only takes a mutex for about a
// microsecond; the disk is the writer goroutine's business alone, which works
// only while there is something to save. When the queue is full the oldest
// events fall out and a marker in the record says how many. When the database
// is locked, damaged, unwritable or the disk is full, the journal goes on in
// memory, says so by an event of its own ("journal.degraded") and tries again
// by and by; a damaged file is moved aside, never deleted.
//
// Losing the journal loses history, never a lock, a stop or a process: those
// are plain files (package lockfile) and processes.
package journal
