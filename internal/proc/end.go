package proc

import (
	"encoding/json"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// End is how the process of a note ended, once that is on record: RUN/proc/NAME.end. The next supd, which finds the note
// and no process, does not record it again. A file of its own: it must never replace the note of the instance that
// follows. One that names another process than the note means nothing.
type End struct {
	Process Identity  `json:"process"`
	How     string    `json:"how"` // in words
	At      time.Time `json:"at"`
}

const endSuffix = ".end"

// WriteEnd replaces the end of a service's process. One writer per service at a time.
func (d Notes) WriteEnd(service string, e End) error {
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	tmp := filepath.Join(d.Dir, "."+service+endSuffix)
	if err := writeSmall(tmp, append(text, '\n'), noteMode); err != nil {
		return err
	}
	return unix.Rename(tmp, filepath.Join(d.Dir, service+endSuffix))
}

// EndOf gives how the process of a note ended; ok is false if that was not written, or cannot be read: then it is not known
// to be on record.
func (d Notes) EndOf(n Note) (e End, ok bool) {
	var buf [noteBytesMax]byte
	text, err := readSmall(filepath.Join(d.Dir, n.Service+endSuffix), buf[:])
	if err != nil || json.Unmarshal(text, &e) != nil || e.Process != n.Process {
		return End{}, false
	}
	return e, true
}
