package lockfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Trouble says what is wrong with something in a state directory.
type Trouble string

const (
	TroubleMarker    Trouble = "marker"    // no marker, or one that this version did not write: everything is held
	TroubleDamaged   Trouble = "damaged"   // cannot be read as what it should be
	TroubleForeign   Trouble = "foreign"   // of a newer format, or a hold of a kind that is not known here
	TroubleMisplaced Trouble = "misplaced" // says something else than its place
	TroubleAccess    Trouble = "access"    // wrong owner or mode
	TroubleGate      Trouble = "gate"      // no gate that anybody could pass
	TroubleStale     Trouble = "stale"     // an action that nobody lives to finish
	TroubleOrphaned  Trouble = "orphaned"  // of a service or group that the plan in force does not have
	TroubleAbandoned Trouble = "abandoned" // whoever took it is gone; who judges that is not in this package
	TroubleUnsaved   Trouble = "unsaved"   // a lock that could not be written; only the daemon that was asked for it knows
	TroubleVanished  Trouble = "vanished"  // a lock whose file is gone although nobody ended it; only a daemon that saw it knows
)

// Troubles is every kind there is, in the order of how much they keep from working.
func Troubles() []Trouble {
	return []Trouble{TroubleMarker, TroubleDamaged, TroubleForeign, TroubleMisplaced, TroubleGate, TroubleAccess, TroubleStale, TroubleOrphaned, TroubleAbandoned, TroubleUnsaved, TroubleVanished}
}

// Finding is one thing that is wrong. Nothing is changed by finding it.
type Finding struct {
	Trouble Trouble
	Path    string
	Target  Target // what it holds, or would; zero: nothing, or the whole directory
	Err     error  // what is wrong, for people
	Holds   bool   // services are held because of it, as nobody can tell
	Lock    *Lock  // where it is a lock that can be read
	Hold    *Hold  // where it is a hold that can be read
	Shell   string // the command of the system that mends it; "": Mend does
}

// Examine looks at everything that locks are made of and names what is wrong with it, each thing once. It takes no gate and
// needs no marker, so it also works where Open refuses; such a Dir comes from Examinable.
func (d *Dir) Examine() []Finding {
	x := examination{d: d, plan: Plan{}, ids: map[string]bool{}}
	var st unix.Stat_t
	if unix.Lstat(d.path, &st) == nil {
		x.uid = st.Uid
	}
	x.marker()
	x.directories()
	x.planFile()
	x.locks()
	x.holds()
	x.gates()
	x.records()
	x.epochs()
	return x.found
}

// Examinable is a Dir for Examine alone: also where the marker is missing or the directory is not to be trusted. Nothing else
// may be asked of it.
func Examinable(path string, o Options) (*Dir, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if st, err := os.Stat(path); err != nil {
		return nil, &MarkerError{path, err}
	} else if !st.IsDir() {
		return nil, &DirError{path, "it is not a directory"}
	}
	return &Dir{path: path, opts: o, self: selfProc(), boot: bootID()}, nil
}

// examination is one run of Examine.
type examination struct {
	d     *Dir
	uid   uint32 // whose the state directory is
	plan  Plan
	knows bool            // plan was read, and says something
	ids   map[string]bool // locks that were judged already: a copy is the same lock
	found []Finding
}

func (x *examination) add(f Finding) { x.found = append(x.found, f) }

// damaged is what cannot be read; holds says whether that keeps something held.
func (x *examination) damaged(path string, t Target, err error, holds bool) {
	x.add(Finding{Trouble: TroubleDamaged, Path: path, Target: t, Err: err, Holds: holds})
}

// marker judges STATE/format and the directory that it marks.
func (x *examination) marker() {
	d := x.d
	path := d.path + "/format"
	if err := trusted(d.path); err != nil {
		f := Finding{Trouble: TroubleAccess, Path: d.path, Err: err, Holds: true}
		var st unix.Stat_t
		switch real, rerr := filepath.EvalSymlinks(d.path); {
		case rerr == nil && real != d.path:
			f.Shell = "supctl --state-dir " + real + " maintenance doctor"
		case unix.Lstat(d.path, &st) == nil && st.Mode&0o022 != 0:
			f.Shell = "chmod go-w " + d.path
		default:
			f.Shell = fmt.Sprintf("chown %d %s", os.Geteuid(), d.path)
		}
		x.add(f)
	}
	back := fmt.Sprintf("printf '%s\\n' > %s", strings.TrimSpace(markerText), path)
	content, err := d.disk.read(path)
	version, known := markerVersion(content)
	switch {
	case isAbsent(err) && nothingIn(d.path):
		x.add(Finding{Trouble: TroubleMarker, Path: path, Err: errors.New("there is no marker, and nothing else: its file system is not mounted"), Holds: true, Shell: "mount " + d.path})
	case isAbsent(err):
		x.add(Finding{Trouble: TroubleMarker, Path: path, Err: errors.New("the marker is gone"), Holds: true, Shell: back})
	case err != nil:
		x.add(Finding{Trouble: TroubleMarker, Path: path, Err: err, Holds: true, Shell: "rm -ri " + path + " && " + back})
	case known && version > FormatVersion:
		x.add(Finding{Trouble: TroubleMarker, Path: path, Err: foreignMarker(version), Holds: true, Shell: "supctl version"})
	case string(content) != markerText:
		x.add(Finding{Trouble: TroubleMarker, Path: path, Err: fmt.Errorf("the marker says %.40q", content), Shell: back})
	}
}

// nothingIn: an empty directory, or one that cannot be read.
func nothingIn(path string) bool {
	names, _ := disk{}.list(path)
	return len(slices.DeleteFunc(names, func(n string) bool { return n == "lost+found" })) == 0
}

// markerVersion reads the format that a marker speaks of.
func markerVersion(content []byte) (int, bool) {
	text, ok := strings.CutPrefix(strings.TrimSpace(string(content)), strings.TrimSuffix(strings.TrimSpace(markerText), strconv.Itoa(FormatVersion)))
	n, err := strconv.Atoi(text)
	return n, ok && err == nil
}

// errForeignMarker: the whole directory is of a newer format.
var errForeignMarker = errors.New("a newer supd wrote it")

func foreignMarker(version int) error {
	return fmt.Errorf("it is of format %d, and this version knows %d: %w", version, FormatVersion, errForeignMarker)
}

// directories judges the layout.
func (x *examination) directories() {
	for _, e := range layout {
		path := x.d.path + "/" + e.dir
		st, err := x.d.disk.stat(path)
		if err == nil && st.Mode&unix.S_IFMT != unix.S_IFDIR {
			err = unix.ENOTDIR
		}
		if err != nil {
			holds := strings.HasPrefix(e.dir, "locks") || e.dir == "holds" || e.dir == "gates"
			if e.dir == "locks/host/"+hostName && isAbsent(err) {
				holds = false // a directory that never had a lock
			}
			if parent, perr := x.d.disk.stat(filepath.Dir(path)); perr == nil && parent.Mode&unix.S_IFMT == unix.S_IFDIR {
				x.damaged(path, HostTarget(), err, holds)
			}
			continue
		}
		x.access(path, st, e.mode)
	}
}

// access judges owner and mode. want is what it may be at most.
func (x *examination) access(path string, st unix.Stat_t, want uint32) {
	if st.Mode&unix.S_IFMT == unix.S_IFLNK {
		return
	}
	if st.Uid != x.uid && st.Uid != 0 {
		x.add(Finding{Trouble: TroubleAccess, Path: path, Target: x.d.targetOf(path), Err: fmt.Errorf("it belongs to uid %d", st.Uid), Shell: fmt.Sprintf("chown %d %s", x.uid, path)})
	}
	have := st.Mode & 0o777
	if extra := have &^ want; extra != 0 || st.Mode&0o400 == 0 {
		x.add(Finding{Trouble: TroubleAccess, Path: path, Target: x.d.targetOf(path), Err: fmt.Errorf("its mode is %#o", have), Shell: fmt.Sprintf("chmod %#o %s", want, path)})
	}
}

// planFile judges plan.toml, and keeps what it says.
func (x *examination) planFile() {
	plan, err := x.d.Plan()
	if err != nil {
		x.damaged(x.d.path+"/plan.toml", HostTarget(), err, true)
		return
	}
	x.plan, x.knows = plan, len(plan.Services) > 0
	x.plan.Gone = nil // what the config has no more is orphaned, whoever goes on with it
}

// orphaned says whether the plan in force is sure not to have a target.
func (x *examination) orphaned(t Target) bool {
	return x.knows && t.Kind != TargetHost && !resolve(t, nil, x.plan, nil).Known
}

// children lists the directories of a level; what is no directory there holds its name.
func (x *examination) children(dir string, each func(name, path string)) {
	names, err := x.d.disk.list(dir)
	if err != nil { // told by directories
		return
	}
	slices.Sort(names)
	for _, n := range names {
		each(n, dir+"/"+n)
	}
}

// directory says whether path is a readable directory, and reports it if not.
func (x *examination) directory(path string, t Target) bool {
	st, err := x.d.disk.stat(path)
	if isAbsent(err) {
		return false
	}
	if err == nil && st.Mode&unix.S_IFMT != unix.S_IFDIR {
		err = unix.ENOTDIR
	}
	if err == nil {
		_, err = x.d.disk.list(path)
	}
	if err != nil {
		x.damaged(path, t, err, true)
		return false
	}
	x.access(path, st, 0o755)
	return true
}

// file judges owner and mode of a lock or hold file.
func (x *examination) file(path string) {
	if st, err := x.d.disk.stat(path); err == nil && st.Mode&unix.S_IFMT == unix.S_IFREG {
		x.access(path, st, 0o644)
	}
}

func (x *examination) gates() {
	x.children(x.d.path+"/gates", func(name, path string) {
		st, err := x.d.disk.stat(path)
		switch {
		case ValidName(name) != nil || isAbsent(err):
		case err != nil || st.Mode&unix.S_IFMT != unix.S_IFREG:
			if err == nil {
				err = errors.New("it is no regular file")
			}
			x.add(Finding{Trouble: TroubleGate, Path: path, Target: ServiceTarget(name), Err: err, Holds: true})
		default:
			x.access(path, st, 0o600)
		}
	})
}

func (x *examination) records() {
	x.children(x.d.path+"/inflight", func(name, path string) {
		if ValidName(name) != nil {
			return
		}
		rec, err := x.d.readRecord(name)
		switch {
		case err != nil:
			x.damaged(path, ServiceTarget(name), err, true)
		case rec != nil && rec.Phase != PhaseDone && !x.d.alive(rec):
			x.add(Finding{Trouble: TroubleStale, Path: path, Target: ServiceTarget(name),
				Err: errors.New(rec.Interruption())})
		}
	})
}

func (x *examination) epochs() {
	x.children(x.d.path+"/epoch", func(name, path string) {
		if ValidName(name) != nil {
			return
		}
		e, err := x.d.epoch(name)
		switch {
		case err != nil:
			x.damaged(path, ServiceTarget(name), err, true)
		case e.Token == damagedEpoch:
			x.damaged(path, ServiceTarget(name), errors.New("it is no epoch"), false)
		}
	})
}

// targetOf is what a path in the state directory stands for; zero if nothing.
func (d *Dir) targetOf(path string) Target {
	rel, err := filepath.Rel(d.path, path)
	if err != nil || !filepath.IsLocal(rel) {
		return Target{}
	}
	p := strings.Split(rel, "/")
	t := Target{}
	switch {
	case len(p) >= 3 && p[0] == "locks":
		t = Target{TargetKind(p[1]), p[2]}
	case len(p) >= 2 && slices.Contains([]string{"holds", "gates", "inflight", "epoch"}, p[0]):
		t = ServiceTarget(p[1])
	}
	if t.Valid() != nil {
		return Target{}
	}
	return t
}

// lost says whether something cannot be there any more.
func lost(err error) bool { return errors.Is(err, fs.ErrNotExist) || err == errGone }
