package lockfile

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Aside is why something was moved to STATE/aside: the content of aside/NAME.why beside it. Nothing there is ever removed by
// supd, and nothing there holds.
type Aside struct {
	Format int       `toml:"format"`
	At     time.Time `toml:"at"`
	By     Owner     `toml:"by"`
	From   string    `toml:"from"`           // where it stood, below the state directory
	Wrong  string    `toml:"wrong"`          // what was wrong with it
	Reason string    `toml:"reason"`         // in the words of who did it
	Lock   string    `toml:"lock,omitempty"` // the lock that holds in its stead
}

// asideNameMax leaves room for the time and an id within 255 bytes.
const asideNameMax = 180

// asideName is a place in STATE/aside for what stands at path; nothing has it yet.
func (d *Dir) asideName(path string) string {
	rel, err := filepath.Rel(d.path, path)
	if err != nil {
		rel = filepath.Base(path)
	}
	name := strings.ReplaceAll(rel, "/", "_")
	name = name[:min(len(name), asideNameMax)]
	return fmt.Sprintf("%s/aside/%s.%s.%s", d.path, time.Now().UTC().Format("20060102T150405Z"), NewID()[:6], name)
}

// sayWhy makes the word on a file that goes aside durable, before it goes: a kill in between leaves a word too many, never a
// file that nobody knows of.
func (d *Dir) sayWhy(name string, why Aside) error {
	dir := filepath.Dir(name)
	if err := d.disk.mkdir(dir, 0o755); err != nil {
		return err
	}
	why.Format, why.At = FormatVersion, time.Now().Round(time.Millisecond)
	content, err := encode(&why, nil)
	if err != nil {
		return err
	}
	tmp, err := d.temp(content, true)
	if isAbsent(err) || isNoDirectory(err) { // tmp/ itself is what is wrong
		err = d.disk.create(name+".why", content, true)
	} else if err == nil {
		err = d.disk.renameNew(tmp, name+".why")
	}
	if err != nil {
		return fmt.Errorf("cannot say in %s why it is moved there: %w", dir, err)
	}
	return d.syncUp(dir)
}

// setAside moves what stands at path to name, durable on return. The gates of what it holds are held.
func (d *Dir) setAside(path, name string, why Aside) error {
	if err := d.sayWhy(name, why); err != nil {
		return err
	}
	if err := d.disk.renameNew(path, name); err != nil {
		return fmt.Errorf("cannot move %s aside: %w", path, err)
	}
	if err := d.disk.syncDir(filepath.Dir(name)); err != nil {
		return err
	}
	return d.disk.syncDir(filepath.Dir(path))
}

func isNoDirectory(err error) bool {
	return err != nil && strings.Contains(err.Error(), unix.ENOTDIR.Error())
}
