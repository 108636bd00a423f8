package lockfile

import (
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"
)

// Options are what a Dir needs from its user. The zero value is right for a program that only
// takes locks.
type Options struct {
	// Interrupted is told of an action that its maker did not live to finish, once, just before
	// its record is removed. Called with the service's gate held: it must not come back to the
	// Dir.
	Interrupted func(Record)
	// JobListed says whether the systemd job of a record is still queued or running. Without it
	// such a job counts as alive.
	JobListed func(job string) bool
}

// Dir is an opened state directory. All methods may be called from any goroutine.
type Dir struct {
	path  string
	opts  Options
	disk  disk
	self  Proc
	boot  string
	slots slots
	plans planCache
	texts lockCache

	gateNames gateNames
	ends      plainEnds

	anchored anchored

	spareMu sync.Mutex // one at a time takes or makes spares, or two would take the same
}

// Open opens an existing state directory; reading needs no right beyond reading. Errors:
// *MarkerError (no marker: not initialised, or not mounted; treat everything as held),
// *DirError (symlink, foreign owner, writable by others, network file system).
func Open(path string, o Options) (*Dir, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := trusted(path); err != nil {
		return nil, err
	}
	if err := trustedBelow(path); err != nil {
		return nil, err
	}
	return open(path, o)
}

// OpenToMend is Open for Mend alone: directories below path may be wrong, as Examine finds them.
func OpenToMend(path string, o Options) (*Dir, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := trusted(path); err != nil {
		return nil, err
	}
	return open(path, o)
}

// open is what both have in common.
func open(path string, o Options) (*Dir, error) {
	d := &Dir{path: path, opts: o, self: selfProc(), boot: bootID()}
	if err := d.marked(); err != nil {
		return nil, err
	}
	// A newer layout may keep its locks elsewhere: what is found here would be less than there is.
	if content, err := d.disk.read(path + "/format"); err == nil {
		if v, ok := markerVersion(content); ok && v > FormatVersion {
			return nil, &MarkerError{path, foreignMarker(v)}
		}
	}
	return d, nil
}

// Path is the absolute path of the state directory.
func (d *Dir) Path() string { return d.path }

// marked fails if the marker is not there now. Asked again at each pass: a file system can be
// unmounted under a running daemon.
func (d *Dir) marked() error {
	ok, err := d.disk.exists(d.path + "/format")
	if err == nil && !ok {
		err = unix.ENOENT
	}
	if err != nil {
		return &MarkerError{d.path, err}
	}
	return nil
}

// lockDir is where the lock files of a target are.
func (d *Dir) lockDir(t Target) string { return d.path + "/locks/" + string(t.Kind) + "/" + t.Name }

func (d *Dir) holdDir(service string) string    { return d.path + "/holds/" + service }
func (d *Dir) gatePath(service string) string   { return d.path + "/gates/" + service }
func (d *Dir) recordPath(service string) string { return d.path + "/inflight/" + service }
func (d *Dir) epochPath(service string) string  { return d.path + "/epoch/" + service }
func (d *Dir) endedPath(id string) string       { return d.path + "/ended/" + id + ".toml" }

// EnsureService makes the directories and the gate of services beforehand, durable, so that a
// lock needs no new blocks on a full disk.
func (d *Dir) EnsureService(names ...string) error {
	var made bool // one of them is not known to be durable
	var dirs []anchor
	for _, n := range names {
		if err := ValidName(n); err != nil {
			return err
		}
		for _, dir := range []string{d.lockDir(ServiceTarget(n)), d.holdDir(n)} {
			is, err := d.disk.anchor(dir)
			if isAbsent(err) {
				if err = d.disk.mkdir(dir, 0o755); err == nil {
					is, err = d.disk.anchor(dir)
				}
			}
			if err != nil {
				return err
			}
			made = made || !d.anchored.has(is)
			dirs = append(dirs, is)
		}
		fd, err := openGate(d.disk, d.gatePath(n))
		if err != nil {
			return err
		}
		unix.Close(fd)
		if err := d.makeRecordFile(n); err != nil {
			return err
		}
	}
	if !made {
		return nil
	}
	for _, dir := range []string{"/locks/service", "/locks", "/holds", "/gates", ""} {
		if err := d.disk.syncDir(d.path + dir); err != nil {
			return err
		}
	}
	d.anchored.add(dirs)
	return nil
}
