package who

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// process is what /proc/PID tells about a process.
type process struct {
	euid, egid uint32
	groups     []uint32
	loginUID   int64 // lockfile.NoLogin = none
	session    string
	ttyNr      uint32
	start      uint64 // stat field 22, clock ticks since boot
}

// unset is (u32)-1, the kernel's "none" for login uid and audit session.
const unset = 1<<32 - 1

// readProcess reads dir, a /proc/PID. The files are read one after the other:
// only a pidfd that is still alive afterwards proves that all are of one
// process.
func readProcess(dir string) (process, error) {
	p := process{}
	status, err := os.ReadFile(filepath.Join(dir, "status"))
	if err != nil {
		return p, err
	}
	if err := p.parseStatus(string(status)); err != nil {
		return p, err
	}
	stat, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return p, err
	}
	if err := p.parseStat(stat); err != nil {
		return p, err
	}
	if p.loginUID, err = readAudit(filepath.Join(dir, "loginuid")); err != nil {
		return p, err
	}
	session, err := readAudit(filepath.Join(dir, "sessionid"))
	if err != nil {
		return p, err
	}
	if session != unset {
		p.session = strconv.FormatInt(session, 10)
	}
	return p, nil
}

// readAudit reads loginuid or sessionid. A kernel built without audit has no
// such file for any process: there, nobody has a login.
func readAudit(path string) (int64, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if _, own := os.Stat("/proc/self/" + filepath.Base(path)); errors.Is(own, fs.ErrNotExist) {
			return unset, nil
		}
	}
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(strings.TrimSpace(string(b)), 10, 32)
	if err != nil {
		return 0, fmt.Errorf("cannot read %s: %q is no id", path, b)
	}
	return int64(n), nil
}

// parseStatus takes the effective ids and the supplementary groups.
func (p *process) parseStatus(text string) error {
	seen := 0
	for line := range strings.Lines(text) {
		key, rest, _ := strings.Cut(line, ":")
		ids := strings.Fields(rest)
		switch key {
		case "Uid", "Gid": // real, effective, saved, file system
			if len(ids) != 4 {
				return fmt.Errorf("cannot read ids from %q", line)
			}
			id, err := strconv.ParseUint(ids[1], 10, 32)
			if err != nil {
				return fmt.Errorf("cannot read ids from %q", line)
			}
			if key == "Uid" {
				p.euid = uint32(id)
			} else {
				p.egid = uint32(id)
			}
			seen++
		case "Groups":
			for _, s := range ids {
				id, err := strconv.ParseUint(s, 10, 32)
				if err != nil {
					return fmt.Errorf("cannot read groups from %q", line)
				}
				p.groups = append(p.groups, uint32(id))
			}
		}
	}
	if seen != 2 {
		return errors.New("cannot read ids: no Uid and Gid lines")
	}
	return nil
}

// Fields of /proc/PID/stat, counted from the state, which follows the command's
// closing parenthesis (a command may contain spaces and parentheses itself).
const (
	statTTY   = 7 - 3
	statStart = 22 - 3
)

func (p *process) parseStat(b []byte) error {
	end := bytes.LastIndexByte(b, ')')
	if end < 0 {
		return fmt.Errorf("cannot read stat %q", b)
	}
	f := strings.Fields(string(b[end+1:]))
	if len(f) <= statStart {
		return fmt.Errorf("cannot read stat %q", b)
	}
	tty, err := strconv.ParseInt(f[statTTY], 10, 32) // printed signed
	if err != nil {
		return fmt.Errorf("cannot read the terminal from stat: %w", err)
	}
	p.ttyNr = uint32(tty)
	if p.start, err = strconv.ParseUint(f[statStart], 10, 64); err != nil {
		return fmt.Errorf("cannot read the start time from stat: %w", err)
	}
	return nil
}
