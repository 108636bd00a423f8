package where

import (
	"os"
	"path/filepath"
)

// Place is where a supd is, or would be.
type Place struct {
	Socket string
	RunDir string // the socket's directory
	Said   bool   // by the user (flag or environment), not found
	How    string // "--socket", "SUPD_SOCKET", or "found"
}

// Search is what finding a supd depends on.
type Search struct {
	Flag   string              // --socket
	Env    func(string) string // os.Getenv or the like
	UID    int
	System string // SystemRunDir; tests use another
}

// Find tells which socket to ask. It is an answer even where no supd is: the
// place where one would be expected. Directories that cannot be trusted are
// passed over; when one of them was the only candidate, err is its
// *ForeignError, and Place is the system's.
func (s Search) Find() (Place, error) {
	if s.Flag != "" {
		return said(s.Flag, "--socket"), nil
	}
	if p := s.Env("SUPD_SOCKET"); p != "" {
		return said(p, "SUPD_SOCKET"), nil
	}
	dirs, foreign := s.candidates()
	for _, name := range [...]string{socketFile, stateDirFile} {
		for _, dir := range dirs {
			if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
				return found(dir), nil
			}
		}
	}
	return found(s.System), foreign
}

// candidates are the run directories that exist and may be trusted.
func (s Search) candidates() (dirs []string, foreign error) {
	dirs = append(dirs, s.System)
	for _, dir := range UserRunDirs(s.Env, s.UID) {
		err := Trusted(dir, s.UID)
		if err == nil {
			dirs = append(dirs, dir)
		} else if f, ok := err.(*ForeignError); ok {
			foreign = f
		}
	}
	return dirs, foreign
}

func said(socket, how string) Place {
	return Place{Socket: socket, RunDir: filepath.Dir(socket), Said: true, How: how}
}

func found(dir string) Place {
	return Place{Socket: Socket(dir), RunDir: dir, How: "found"}
}
