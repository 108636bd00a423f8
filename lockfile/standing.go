package lockfile

import (
	"bytes"
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// standing is every target whose directory has a file of this lock, or may have: what could not be looked at is in bad. It looks into
// every directory there is, so it is made for thousands.
func (d *Dir) standing(id string, bad *[]Unreadable) []Target {
	var at []Target
	for _, kind := range []TargetKind{TargetHost, TargetGroup, TargetService} {
		names, unread := d.disk.having(d.path+"/locks/"+string(kind), id+".toml")
		for _, n := range names {
			if t := (Target{kind, n}); kind != TargetHost || t == HostTarget() {
				at = append(at, t)
			}
		}
		*bad = append(*bad, unread...)
	}
	return at
}

// having is the directories in dir that have an entry called file. Looked up from dir, so that the path to it is walked once.
func (k disk) having(dir, file string) (names []string, bad []Unreadable) {
	all, err := k.list(dir)
	if err != nil {
		return nil, []Unreadable{{dir, err}}
	}
	fd, err := openFD(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, []Unreadable{{dir, k.done("open", dir, err)}}
	}
	defer unix.Close(fd)
	for _, n := range all {
		err := error(nil)
		if k.hook != nil {
			err = k.enter("stat", dir+"/"+n+"/"+file)
		}
		if err == nil {
			err = again(func() error { return unix.Faccessat(fd, n+"/"+file, unix.F_OK, unix.AT_SYMLINK_NOFOLLOW) })
		}
		switch {
		case err == nil:
			names = append(names, n)
		case !isAbsent(err):
			bad = append(bad, Unreadable{dir + "/" + n + "/" + file, err})
		}
	}
	return names, bad
}

// appendNames reads what getdents64(2) gave: struct linux_dirent64, the length of each entry at 16, its name from 19 on, ended by a zero.
func appendNames(names []string, entries []byte, prefix string) []string {
	const lengthAt, nameAt = 16, 19
	for len(entries) > nameAt {
		size := int(binary.NativeEndian.Uint16(entries[lengthAt:]))
		if size <= nameAt || size > len(entries) {
			break
		}
		name := entries[nameAt:size]
		if end := bytes.IndexByte(name, 0); end >= 0 {
			name = name[:end]
		}
		if bytes.HasPrefix(name, []byte(prefix)) && string(name) != "." && string(name) != ".." {
			names = append(names, string(name))
		}
		entries = entries[size:]
	}
	return names
}
