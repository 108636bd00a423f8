package lockfile

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// encodeRecord writes a record as TOML. By hand: it is on the path of every action, and reflection costs more than the file.
func encodeRecord(b []byte, r *Record) []byte {
	b = append(b, "format = "...)
	b = strconv.AppendInt(b, FormatVersion, 10)
	b = textLine(b, "service", r.Service)
	b = textLine(b, "verb", string(r.Verb))
	b = textLine(b, "phase", r.Phase)
	b = append(append(b, "\nautomatic = "...), strconv.FormatBool(r.Automatic)...)
	b = textLine(b, "by", r.By)
	b = textLine(b, "reason", r.Reason)
	b = append(b, "\nsince = "...)
	b = r.Since.AppendFormat(b, time.RFC3339Nano)
	b = textLine(b, "boot_id", r.BootID)
	b = procLine(b, "maker", r.Maker)
	b = procLine(b, "shim", r.Shim)
	b = procLine(b, "script", r.Script)
	b = procLine(b, "target", r.Target)
	b = append(append(b, "\nterm_sent = "...), strconv.FormatBool(r.TermSent)...)
	b = textLine(b, "unit_job", r.UnitJob)
	return append(b, '\n')
}

func textLine(b []byte, key, v string) []byte {
	if v == "" {
		return b
	}
	b = append(append(append(b, '\n'), key...), ` = "`...)
	for _, c := range cleanText(v) {
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', byte(c))
		case c < ' ' || c == 0x7f:
			b = fmt.Appendf(b, `\u%04X`, c)
		default:
			b = append(b, string(c)...)
		}
	}
	return append(b, '"')
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

// readRecord reads inflight/NAME; nil if there is none. A file of nothing, or of zero bytes after a power loss, is the record of a
// maker that died before it said anything, hence before any effect: dead. Anything else that cannot be read is an error.
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

func parseRecord(content []byte, service string) (*Record, error) {
	r := &Record{}
	if len(bytes.Trim(content, "\x00\n")) == 0 {
		r.Service, r.Phase = service, PhaseBegun
		return r, nil
	}
	if _, err := decode(content, r); err != nil {
		return nil, err
	}
	if r.Format < 1 || r.Service != service {
		return nil, fmt.Errorf("not the record of %q", service)
	}
	return r, nil
}

// recordFile is an open record that its owner writes in place: one write of one block, so that a reader, or whoever comes after a
// kill, sees the old text or the new. It never shrinks: newlines fill it up.
type recordFile struct {
	d       *Dir
	path    string
	service string
	fd      int
	last    []byte // what this process wrote last
	rec     Record
}

// newRecord creates inflight/NAME. The gate of the service is held, and no record is there.
func (d *Dir) newRecord(r Record) (*recordFile, error) {
	f := &recordFile{d: d, path: d.recordPath(r.Service), service: r.Service, rec: r}
	f.last = encodeRecord(make([]byte, 0, 512), &r)
	err := d.disk.enter("record", f.path)
	if err == nil {
		f.fd, err = openFD(f.path, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW, 0o644)
	}
	if err == nil {
		if err = d.disk.writeAt(f.fd, f.path, f.last); err == nil {
			return f, nil
		}
		unix.Close(f.fd)
		d.disk.unlink(f.path)
	}
	if !isFull(err) {
		return nil, fmt.Errorf("cannot write the in-flight record of %q: %w", r.Service, err)
	}
	return f, f.onFullDisk()
}

// onFullDisk makes the record out of a spare.
func (f *recordFile) onFullDisk() error {
	tmp, err := f.d.temp(f.last, false)
	if err == nil {
		if err = f.d.disk.renameOver(tmp, f.path); err == nil {
			f.fd, err = openFD(f.path, unix.O_RDWR|unix.O_NOFOLLOW, 0)
		}
	}
	if err != nil {
		return fmt.Errorf("cannot write the in-flight record of %q: %w", f.service, err)
	}
	return nil
}

// openRecord opens an existing record for a helper.
func (d *Dir) openRecord(service string) (*recordFile, error) {
	f := &recordFile{d: d, path: d.recordPath(service), service: service}
	var err error
	if f.fd, err = openFD(f.path, unix.O_RDWR|unix.O_NOFOLLOW, 0); err != nil {
		return nil, fmt.Errorf("cannot open the in-flight record of %q: %w", service, err)
	}
	return f, f.refresh()
}

// refresh takes over what the other side (daemon or helper) wrote since.
func (f *recordFile) refresh() error {
	buf := make([]byte, 4*textBytesMax)
	n, err := unix.Pread(f.fd, buf, 0)
	if err != nil {
		return f.d.disk.done("read", f.path, err)
	}
	if bytes.Equal(buf[:n], f.last) {
		return nil
	}
	r, err := parseRecord(buf[:n], f.service)
	if err != nil {
		return fmt.Errorf("cannot read the in-flight record of %q: %w", f.service, err)
	}
	f.rec, f.last = *r, slices.Clone(buf[:n])
	return nil
}

// update changes the record on disk. No fsync: power loss ends the action too.
func (f *recordFile) update(change func(*Record)) error {
	if err := f.refresh(); err != nil {
		return err
	}
	r := f.rec
	change(&r)
	r.Service = f.service
	b := encodeRecord(make([]byte, 0, 512), &r)
	for len(b) < len(f.last) {
		b = append(b, '\n')
	}
	if err := f.d.disk.writeAt(f.fd, f.path, b); err != nil {
		return fmt.Errorf("cannot write the in-flight record of %q: %w", f.service, err)
	}
	f.rec, f.last = r, b
	return nil
}

func (f *recordFile) close() { unix.Close(f.fd) }

// Records lists actions in flight, for display: it does not take gates, so an entry may be over when it is read.
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
