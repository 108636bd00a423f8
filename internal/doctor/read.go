package doctor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	fileBytesMax = 512 << 10 // of another program's config
	filesMax     = 4000      // for each finder
)

// look is one finder's work.
type look struct {
	ctx    context.Context
	root   string
	kind   string
	idx    targets
	owned  *owned
	files  int
	report Report
}

// add notes a finding for each service.
func (l *look) add(services []Target, f Finding) {
	for _, t := range services {
		f.Service = t.Service
		if f.Kind == "" {
			f.Kind = l.kind
		}
		l.report.Findings = append(l.report.Findings, f)
	}
}

func (l *look) unseen(text string) {
	if !slices.Contains(l.report.Unseen, text) {
		l.report.Unseen = append(l.report.Unseen, text)
	}
}

// read gives a file's text. What is not there is nothing; what cannot be read is said. Only regular files are read: a pipe
// would wait for a writer.
func (l *look) read(path string) (text string, ok bool) {
	if l.ctx.Err() != nil {
		return "", false
	}
	if l.files++; l.files > filesMax {
		l.unseen(fmt.Sprintf("%s: more than %d files", l.kind, filesMax))
		return "", false
	}
	f, err := os.OpenFile(filepath.Join(l.root, path), os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if l.absent(err, path) {
		return "", false
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil || !st.Mode().IsRegular() {
		return "", false
	}
	if st.Size() > fileBytesMax {
		l.unseen(fmt.Sprintf("%s: %s is larger than %d KiB", l.kind, path, fileBytesMax>>10))
		return "", false
	}
	b, err := io.ReadAll(io.LimitReader(f, fileBytesMax))
	if l.absent(err, path) {
		return "", false
	}
	return string(b), true
}

// list gives the paths in a directory, sorted.
func (l *look) list(dir string) []string {
	if l.ctx.Err() != nil {
		return nil
	}
	f, err := os.Open(filepath.Join(l.root, dir))
	if l.absent(err, dir) {
		return nil
	}
	defer f.Close()
	names, err := f.Readdirnames(filesMax)
	if errors.Is(err, io.EOF) || errors.Is(err, unix.ENOTDIR) || l.absent(err, dir) {
		return nil
	}
	slices.Sort(names)
	for i, n := range names {
		names[i] = dir + "/" + n
	}
	return names
}

// absent says whether there is nothing to be had, and says why if that is no plain absence.
func (l *look) absent(err error, path string) bool {
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, unix.ENOTDIR) {
		l.unseen(fmt.Sprintf("%s: cannot read %s: %v", l.kind, path, cause(err)))
	}
	return err != nil
}

func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

func (l *look) exists(path string) bool {
	_, err := os.Lstat(filepath.Join(l.root, path))
	return err == nil
}

// glob is filepath.Glob below the root.
func (l *look) glob(pattern string) []string {
	if l.ctx.Err() != nil {
		return nil
	}
	found, err := filepath.Glob(filepath.Join(l.root, pattern))
	if err != nil { // not our pattern
		return nil
	}
	for i, path := range found {
		found[i] = "/" + strings.TrimPrefix(strings.TrimPrefix(path, l.root), "/")
	}
	return found
}
