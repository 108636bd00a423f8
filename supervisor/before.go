package supervisor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/supd/supd/internal/doctor"
	"github.com/supd/supd/internal/hands"
	"github.com/supd/supd/internal/proc"
	"github.com/supd/supd/internal/several"
	"github.com/supd/supd/lockfile"
)

// before is what services were when a lock was taken: STATE/before/LOCK.json, for the summary at its end. Losing it loses the
// summary. Nothing is decided by it.
type before struct {
	At       time.Time         `json:"at"`
	Services map[string]facts  `json:"services"`
	Packages map[string]string `json:"packages,omitempty"` // version by name, of the packages that the services' files belong to
}

// facts are what of a service somebody who works on it may change.
type facts struct {
	Process proc.Identity     `json:"process,omitzero"` // zero: it was down
	Files   map[string]string `json:"files,omitempty"`  // stamp by path: its program, and the files that its command names
}

func (s *Supervisor) beforePath(lock string) string {
	return filepath.Join(s.dir.Path(), "before", lock+".json")
}

// processesOf are the main processes of what locks cover. It is asked before --stop ends them.
func (s *Supervisor) processesOf(locks []lockfile.Lock) map[string]proc.Identity {
	out := map[string]proc.Identity{}
	for _, l := range locks {
		for _, name := range s.coveredBy(l) {
			if p := s.services.get(name).running(); p != nil {
				out[name] = p.Identity()
			}
		}
	}
	return out
}

// noteAll notes what the services of new locks are now, and calls noted (nil: nobody waits) as soon as it is written: whoever ends the
// lock in the next moment is told what changed. Packages follow, as late as the package manager answers.
func (s *Supervisor) noteAll(locks []lockfile.Lock, processes map[string]proc.Identity, noted func()) {
	looked := map[string]before{}
	for _, l := range locks {
		if _, ok := s.beforeOf(l); ok {
			continue
		}
		b := s.lookBefore(l, processes)
		if err := s.writeBefore(l.ID, b, false); err != nil {
			s.log.Warn("cannot note what the services of a lock were; its end will not tell what changed", "lock", l.ID, "err", err)
			continue
		}
		looked[l.ID] = b
	}
	if noted != nil {
		noted()
	}
	for lock, b := range looked {
		var files []string
		for _, f := range b.Services {
			files = slices.AppendSeq(files, maps.Keys(f.Files))
		}
		if b.Packages = s.packagesOf(s.ctx, files); len(b.Packages) == 0 {
			continue
		}
		if err := s.writeBefore(lock, b, true); err != nil {
			s.log.Warn("cannot note the packages of a lock's services; its end will not tell what changed of them", "lock", lock, "err", err)
		}
	}
}

// lookBefore is what the services of a lock are now, without their packages.
func (s *Supervisor) lookBefore(l lockfile.Lock, processes map[string]proc.Identity) before {
	b := before{At: time.Now().Round(time.Second), Services: map[string]facts{}}
	for _, name := range s.coveredBy(l) {
		b.Services[name] = facts{Process: processes[name], Files: s.filesOf(name)}
	}
	return b
}

// filesOf are the stamps of a service's program and of the files that its command names: scripts, config files.
func (s *Supervisor) filesOf(name string) map[string]string {
	files := map[string]string{}
	conf := s.services.conf(name)
	if conf == nil || len(conf.Command) == 0 {
		return files
	}
	if path, err := proc.FindProgram(conf.Command[0], hands.CleanEnv(nil, nil)); err == nil {
		files[path] = stampOf(path)
	}
	for _, word := range conf.Command[1:] {
		if !filepath.IsAbs(word) {
			continue
		}
		if st, err := os.Stat(word); err == nil && st.Mode().IsRegular() {
			files[word] = stampOf(word)
		}
	}
	return files
}

// stampOf tells a file from what it was: where it points, which one it is, its size and time. A file that is gone has the
// empty stamp.
func stampOf(path string) string {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return ""
	}
	st, err := os.Stat(real)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%s %d %s", real, st.Size(), st.ModTime().UTC().Format(time.RFC3339Nano))
}

// writeBefore keeps a note, unless there is one: the first is the one from before. more replaces a note, if its lock has not ended since.
// It is not synced: a power loss costs a summary.
func (s *Supervisor) writeBefore(lock string, b before, more bool) error {
	text, err := json.Marshal(b)
	if err != nil {
		return err
	}
	path := s.beforePath(lock)
	dir, err := s.dir.Beside("before", 0o755)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, lock+".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(text)
	if err = several.Join(err, f.Close()); err != nil {
		return err
	}
	if more {
		err = unix.Renameat2(unix.AT_FDCWD, f.Name(), unix.AT_FDCWD, path, unix.RENAME_EXCHANGE) // the old one is the temporary file then
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.EINVAL) {
			return nil
		}
		return err
	}
	if err := os.Link(f.Name(), path); !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// handOversMax bounds how often a lock was handed over or broken that its note is still found.
const handOversMax = 64

// lineOf are the ids of a lock and of those that it replaced, the youngest first: whoever takes a lock over goes on with the work
// that began with the first.
func (s *Supervisor) lineOf(l lockfile.Lock) []string {
	ids := []string{l.ID}
	if l.Replaces == "" {
		return ids
	}
	ids = append(ids, l.Replaces)
	past := map[string]string{}
	for _, over := range s.dir.TakenOver() {
		past[over.ID] = over.Replaces
	}
	for next := past[l.Replaces]; next != "" && len(ids) < handOversMax; next = past[next] {
		ids = append(ids, next)
	}
	return ids
}

// beforeOf is what was noted of a lock, or of one that it replaced.
func (s *Supervisor) beforeOf(l lockfile.Lock) (b before, ok bool) {
	for _, id := range s.lineOf(l) {
		text, err := os.ReadFile(s.beforePath(id))
		if err == nil && json.Unmarshal(text, &b) == nil {
			return b, true
		}
	}
	return before{}, false
}

// tidyBefore forgets what belonged to locks that are gone, and notes what supd was not there for.
func (s *Supervisor) tidyBefore() {
	notes, err := os.ReadDir(filepath.Dir(s.beforePath("x")))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.log.Warn("cannot list notes about locks", "err", err)
	}
	locks := s.dir.Locks().Locks // after the notes: each of them is younger than its lock
	standing := map[string]bool{}
	for _, l := range locks {
		for _, id := range s.lineOf(l) {
			standing[id] = true
		}
	}
	for _, n := range notes {
		id, _, _ := strings.Cut(n.Name(), ".")
		if !standing[id] {
			s.forgetBefore([]string{id})
		}
	}
	s.noteAll(locks, s.processesOf(locks), nil)
}

// forgetBefore removes the notes of locks.
func (s *Supervisor) forgetBefore(locks []string) {
	for _, id := range locks {
		if err := os.Remove(s.beforePath(id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			s.log.Warn("cannot forget what services were before a lock", "lock", id, "err", err)
		}
	}
}

const (
	packagesWait = 5 * time.Second // for the package manager's answer, which may wait for a disk
	filesAsked   = 200             // of a lock on many services; each costs the package manager a line
)

// packagesOf asks the package manager which packages files belong to, and their versions. Where there is none (dpkg-query(1)
// is the only one asked), or it does not know them, there are no packages.
func (s *Supervisor) packagesOf(ctx context.Context, files []string) map[string]string {
	argv := []string{"dpkg-query", "-S"}
	for _, path := range union(files, nil) {
		if len(argv) >= filesAsked {
			break
		}
		if !doctor.Packaged(path) {
			continue
		}
		// Where /bin is a link to /usr/bin, packages list their files under either.
		other, merged := strings.CutPrefix(path, "/usr/")
		if other = "/" + other; !merged {
			other = "/usr" + path
		}
		argv = append(argv, path, other)
	}
	if len(argv) == 2 {
		return nil
	}
	var names []string
	for line := range strings.Lines(s.askPackages(ctx, argv)) {
		owners, _, ok := strings.Cut(line, ": /")
		if !ok || strings.HasPrefix(line, "diversion ") {
			continue
		}
		names = append(names, strings.Split(owners, ", ")...)
	}
	return s.versionsOf(ctx, names)
}

// versionsOf asks for the versions of packages; of one that is gone there is none.
func (s *Supervisor) versionsOf(ctx context.Context, names []string) map[string]string {
	if names = union(names, nil); len(names) == 0 {
		return nil
	}
	out := map[string]string{}
	for line := range strings.Lines(s.askPackages(ctx, append([]string{"dpkg-query", "-W", "-f", `${binary:Package} ${Version}\n`, "--"}, names...))) {
		if name, version, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			out[name] = version
		}
	}
	return out
}

// askPackages is what the package manager prints. It exits with an error when it does not know one of many.
func (s *Supervisor) askPackages(ctx context.Context, argv []string) string {
	out, err := s.table.Run(ctx, proc.Command{Argv: argv, Env: append(hands.CleanEnv(nil, nil), "LC_ALL=C"), Timeout: packagesWait})
	if err != nil {
		return ""
	}
	return string(out.Stdout)
}
