package lockfile

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// encodeRecord writes a record as TOML, within one sector: disks write a sector whole or not at all, so a power loss cannot tear it.
// What is for people only goes first where a long name leaves no room, then the cgroup's path, which its id makes up for.
func encodeRecord(b []byte, r *Record) []byte {
	fits := func(out []byte) bool { return len(out)-len(b) <= recordBytesMin }
	for max := recordTextMax; max > 0; max /= 2 {
		if out := appendRecord(b, r, max); fits(out) {
			return out
		}
	}
	short := *r
	for _, cut := range []func(){func() {}, func() { short.Maker = Proc{} }, func() { short.Cgroup.Path = "" }} {
		cut()
		if out := appendRecord(b, &short, 0); fits(out) {
			return out
		}
	}
	return appendRecord(b, &short, 0)
}

// appendRecord cuts By and Reason to textMax bytes. By hand: it is on the path of every action,
// and reflection costs more than the file.
func appendRecord(b []byte, r *Record, textMax int) []byte {
	b = append(b, "format = "...)
	b = strconv.AppendInt(b, FormatVersion, 10)
	b = textLine(b, "service", r.Service)
	b = textLine(b, "verb", string(r.Verb))
	b = textLine(b, "phase", r.Phase)
	b = append(append(b, "\nautomatic = "...), strconv.FormatBool(r.Automatic)...)
	b = textLine(b, "by", r.By[:min(len(r.By), textMax)])
	b = textLine(b, "reason", r.Reason[:min(len(r.Reason), textMax)])
	b = append(b, "\nsince = "...)
	b = r.Since.AppendFormat(b, time.RFC3339Nano)
	b = textLine(b, "boot_id", r.BootID)
	b = procLine(b, "maker", r.Maker)
	b = procLine(b, "shim", r.Shim)
	b = procLine(b, "script", r.Script)
	b = procLine(b, "target", r.Target)
	b = append(append(b, "\nterm_sent = "...), strconv.FormatBool(r.TermSent)...)
	b = cgroupLine(b, r.Cgroup)
	b = textLine(b, "unit_job", r.UnitJob)
	return append(b, '\n')
}

// textLine appends one key with its text as a TOML basic string; nothing for no text.
func textLine(b []byte, key, v string) []byte {
	if v == "" {
		return b
	}
	b = append(append(append(b, '\n'), key...), ` = "`...)
	return append(appendBasic(b, recordText(v)), '"')
}

// appendBasic appends the inside of a TOML basic string.
func appendBasic(b []byte, v string) []byte {
	for _, c := range v {
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', byte(c))
		case c < ' ' || c == 0x7f:
			b = fmt.Appendf(b, `\u%04X`, c)
		default:
			b = append(b, string(c)...)
		}
	}
	return b
}

// recordTextMax bounds each text in a record, so that all of it stays within one block.
const recordTextMax = 200

func recordText(s string) string {
	if len(s) > recordTextMax {
		s = s[:recordTextMax]
	}
	return cleanText(s)
}

func procLine(b []byte, key string, p Proc) []byte {
	if p == (Proc{}) {
		return b
	}
	b = append(append(append(b, '\n'), key...), " = { pid = "...)
	b = strconv.AppendInt(b, int64(p.PID), 10)
	b = append(b, ", start = "...)
	b = strconv.AppendUint(b, p.Start, 10)
	return append(b, " }"...)
}

// readRecord reads inflight/NAME without keeping it open; nil if nothing is in flight.
func (d *Dir) readRecord(service string) (*Record, error) {
	content, err := d.disk.read(d.recordPath(service))
	if isAbsent(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return parseRecord(content, service)
}

// parseRecord reads a record; nil if the file says nothing. A file of zero bytes is what a
// power loss leaves of one.
func parseRecord(content []byte, service string) (*Record, error) {
	if len(bytes.Trim(content, "\x00\n")) == 0 {
		return nil, nil
	}
	r := &Record{}
	if _, err := decode(content, r); err != nil {
		return nil, err
	}
	if r.Format < 1 || r.Service != service {
		return nil, fmt.Errorf("not the record of %q", service)
	}
	return r, nil
}

// recordBytesMin is what a record file has at least, one sector, and recordBytesMax at most: one
// block, so that one write replaces all of it.
const (
	recordBytesMin = 512
	recordBytesMax = 4096
)

// recordFile is an open inflight/NAME. The file stays: a record is written into it in place and
// wiped out with newlines, each by one write of one block, so that a reader, or whoever comes
// after a kill, sees the old text or the new. Making and removing a file for each action would
// cost a hundred times as much, and need room on the disk.
type recordFile struct {
	d       *Dir
	service string
	path    string
	fd      int    // -1: there is no file yet
	last    []byte // the file's content as this process knows it
	rec     *Record
}

// openRecord opens and reads the record of a service whose gate is held.
func (d *Dir) openRecord(service string) (*recordFile, error) {
	f := &recordFile{d: d, path: d.recordPath(service), service: service, fd: -1}
	if err := d.disk.enter("read", f.path); err != nil {
		return nil, err
	}
	fd, err := openFD(f.path, unix.O_RDWR|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err == unix.ENOENT {
		return f, nil
	}
	if err != nil {
		return nil, d.disk.done("open", f.path, err)
	}
	f.fd = fd
	if err := f.refresh(); err != nil {
		f.close()
		return nil, err
	}
	return f, nil
}

// refresh takes over what the other side (daemon or helper) wrote since.
func (f *recordFile) refresh() error {
	var buf [recordBytesMax + 1]byte
	var n int
	err := again(func() error { var e error; n, e = unix.Pread(f.fd, buf[:], 0); return e })
	if err != nil {
		return f.d.disk.done("read", f.path, err)
	}
	if bytes.Equal(buf[:n], f.last) {
		return nil
	}
	if f.rec, err = parseRecord(buf[:n], f.service); err != nil {
		return f.d.disk.done("parse", f.path, err)
	}
	f.last = slices.Clone(buf[:n])
	return nil
}

// set writes a record, or wipes it out (nil). No fsync: power loss ends the action too.
func (f *recordFile) set(r *Record) error {
	var b []byte
	if r != nil {
		b = encodeRecord(make([]byte, 0, recordBytesMin), r)
	}
	if want := max(len(f.last), recordBytesMin); len(b) < want {
		b = append(b, bytes.Repeat([]byte{'\n'}, want-len(b))...)
	}
	if len(b) > recordBytesMax {
		return fmt.Errorf("cannot write the in-flight record of %q: it has %d bytes, limit %d", f.service, len(b), recordBytesMax)
	}
	err := f.write(b)
	if err != nil {
		return fmt.Errorf("cannot write the in-flight record of %q: %w", f.service, err)
	}
	f.last, f.rec = b, r
	return nil
}

// write puts b on the disk: in place, or into a new file, or, on a full disk, into a spare.
func (f *recordFile) write(b []byte) error {
	if f.fd >= 0 {
		return f.d.disk.writeAt(f.fd, f.path, b)
	}
	err := f.d.disk.enter("create", f.path)
	if err == nil {
		f.fd, err = openFD(f.path, unix.O_RDWR|unix.O_CREAT|unix.O_NOFOLLOW, 0o644)
	}
	if err == nil {
		_ = unix.Fchmod(f.fd, 0o644) // whatever the umask: everybody may see what is in flight
		if err = f.d.disk.writeAt(f.fd, f.path, b); err == nil {
			return nil
		}
		f.close()
	}
	if !isFull(err) {
		return err
	}
	tmp, err := f.d.temp(b, false)
	if err == nil {
		err = f.d.disk.renameOver(tmp, f.path)
	}
	if err == nil {
		f.fd, err = openFD(f.path, unix.O_RDWR|unix.O_NOFOLLOW, 0)
	}
	return err
}

// update changes the record on disk.
func (f *recordFile) update(change func(*Record)) error {
	if err := f.refresh(); err != nil {
		return err
	}
	if f.rec == nil {
		return fmt.Errorf("cannot write the in-flight record of %q: the action is over", f.service)
	}
	r := *f.rec
	change(&r)
	r.Service = f.service
	return f.set(&r)
}

// close leaves the record as it is.
func (f *recordFile) close() {
	if f.fd >= 0 {
		unix.Close(f.fd)
		f.fd = -1
	}
}

// makeRecordFile makes the file of a service beforehand, so that its actions need no room on
// the disk.
func (d *Dir) makeRecordFile(service string) error {
	f := &recordFile{d: d, path: d.recordPath(service), service: service, fd: -1}
	defer f.close()
	there, err := d.disk.exists(f.path)
	if err != nil || there {
		return err
	}
	return f.set(nil)
}

// Records lists actions in flight, for display: it does not take gates, so an entry may be over
// when it is read.
func (d *Dir) Records() ([]Record, []Unreadable) {
	names, err := d.disk.list(d.path + "/inflight")
	if err != nil {
		return nil, []Unreadable{{d.path + "/inflight", err}}
	}
	var out []Record
	var bad []Unreadable
	slices.Sort(names)
	for _, n := range names {
		r, err := d.readRecord(n)
		if err != nil {
			bad = append(bad, Unreadable{d.recordPath(n), err})
		} else if r != nil {
			out = append(out, *r)
		}
	}
	return out, bad
}
