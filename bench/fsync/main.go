// Fsync is the floor of taking a lock: a bare process that writes a small file, renames it, and fsyncs it and its directory.
//
//	fsync DIR NAME
package main

import (
	"os"
	"path/filepath"
)

func main() {
	if err := write(os.Args[1], os.Args[2]); err != nil {
		os.Stderr.WriteString("fsync: " + err.Error() + "\n")
		os.Exit(1)
	}
}

func write(dir, name string) error {
	f, err := os.Create(filepath.Join(dir, "."+name))
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(make([]byte, 512)); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), filepath.Join(dir, name)); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
