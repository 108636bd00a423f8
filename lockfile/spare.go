package lockfile

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// A spare is a file in tmp/ whose blocks are already allocated. On a full disk it is renamed
// and filled: neither needs a block.
const (
	sparesMax  = 32
	spareBytes = 16 << 10
)

// tempName is a fresh name in tmp/ that says who made it: left-overs of dead makers are removed
// by Recover.
func (d *Dir) tempName() string {
	return fmt.Sprintf("%s/tmp/t.%d.%d.%s.%s", d.path, d.self.PID, d.self.Start, d.boot, NewID())
}

// tempMaker reads a name made by tempName.
func tempMaker(name string) (p Proc, boot string, ok bool) {
	f := strings.Split(name, ".")
	if len(f) != 5 || f[0] != "t" {
		return Proc{}, "", false
	}
	pid, err1 := strconv.Atoi(f[1])
	start, err2 := strconv.ParseUint(f[2], 10, 64)
	return Proc{pid, start}, f[3], err1 == nil && err2 == nil
}

// temp writes content into a new file in tmp/ and returns its path; sync makes the content
// durable. On a full disk a spare is used up.
func (d *Dir) temp(content []byte, sync bool) (string, error) {
	name := d.tempName()
	err := d.disk.create(name, content, sync)
	if err == nil {
		return name, nil
	}
	d.disk.unlink(name) // may be there, empty
	if !isFull(err) || len(content) > spareBytes {
		return "", err
	}
	if !d.takeSpare(name) {
		return "", fmt.Errorf("%w, and no spare file is left in %s/tmp; make room on that file system", err, d.path)
	}
	fd, err := openFD(name, unix.O_WRONLY|unix.O_NOFOLLOW, 0)
	if err == nil {
		err = d.disk.fill(fd, "spare", content, sync)
		unix.Close(fd)
	}
	if err != nil {
		d.disk.unlink(name)
		return "", err
	}
	return name, nil
}

// takeSpare gives some spare this name.
func (d *Dir) takeSpare(name string) bool {
	d.spareMu.Lock()
	defer d.spareMu.Unlock()
	names, err := d.disk.list(d.path + "/tmp")
	if err != nil {
		return false
	}
	for _, n := range names { // another process may be quicker: the rename decides
		if strings.HasPrefix(n, "spare-") && unix.Rename(d.path+"/tmp/"+n, name) == nil {
			return true
		}
	}
	return false
}

// keepSpares makes up the number of spares, as far as the disk allows. Called after whatever
// may have used one, and its failure is none.
func (d *Dir) keepSpares() {
	d.spareMu.Lock()
	defer d.spareMu.Unlock()
	names, err := d.disk.list(d.path + "/tmp")
	if err != nil {
		return
	}
	have := 0
	for _, n := range names {
		if strings.HasPrefix(n, "spare-") {
			have++
		}
	}
	for ; have < sparesMax; have++ {
		if d.makeSpare() != nil {
			return
		}
	}
}

// makeSpare allocates under a temporary name, so that a file called spare-* always has its blocks.
func (d *Dir) makeSpare() error {
	tmp := d.tempName()
	if err := d.disk.enter("create", tmp); err != nil {
		return err
	}
	fd, err := openFD(tmp, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW, 0o644)
	if err != nil {
		return err
	}
	// Written, not only allocated: the first write into an unwritten extent may need a block of
	// its own for the map.
	err = d.disk.writeAt(fd, tmp, make([]byte, spareBytes))
	if err == nil {
		err = unix.Fallocate(fd, 0, 0, spareBytes)
		if err == unix.EOPNOTSUPP || err == unix.ENOSYS {
			err = nil // written blocks are good enough
		}
	}
	unix.Close(fd)
	if err == nil {
		err = unix.Rename(tmp, d.path+"/tmp/spare-"+NewID())
	}
	if err != nil {
		unix.Unlink(tmp)
	}
	return err
}
