package proc

import (
	"errors"
	"os"
	"strings"
)

// ErrNoProgram: the name has no slash, and no directory of PATH has a program of that
// name.
var ErrNoProgram = errors.New("executable file not found in $PATH")

// FindProgram is what name would execute: name itself if it has a slash, otherwise by
// the PATH in env. ErrNoProgram.
func FindProgram(name string, env []string) (string, error) {
	if strings.Contains(name, "/") {
		return name, nil
	}
	for _, v := range env {
		path, ok := strings.CutPrefix(v, "PATH=")
		if !ok {
			continue
		}
		for dir := range strings.SplitSeq(path, ":") {
			if !strings.HasPrefix(dir, "/") {
				continue // relative to a directory that nobody meant
			}
			file := dir + "/" + name
			if st, err := os.Stat(file); err == nil && st.Mode().IsRegular() && st.Mode()&0o111 != 0 {
				return file, nil
			}
		}
	}
	return "", ErrNoProgram
}
