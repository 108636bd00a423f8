package who

import (
	"os"
	"path/filepath"
	"strconv"

	"github.com/supd/supd/lockfile"
)

// Seat is a terminal at which a person's login session has a process.
type Seat struct {
	TTY  string // below /dev
	Nr   uint32 // tty_nr of proc_pid_stat(5)
	PID  int    // of the process that proves it
	File string // the terminal as that process's own mounts have it: containers number theirs from 0 as well
}

// Seats are the terminals of an owner's login session: of every process of the same audit session and login uid; without a
// session, of all sessions of that login. Where there is no login (containers, a minimal system), it is the terminal that was noted, if a process of the same user has it still.
func Seats(o lockfile.Owner) ([]Seat, error) {
	names, err := readNames("/proc")
	if err != nil {
		return nil, err
	}
	var seats []Seat
	known := map[uint32]bool{}
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		// Those that ended meanwhile sit nowhere.
		s, ok := seatOf(o, pid)
		if ok && !known[s.Nr] {
			known[s.Nr] = true
			seats = append(seats, s)
		}
	}
	return seats, nil
}

// Taken asks again whether the same process sits there, for the same owner.
func (s Seat) Taken(o lockfile.Owner) bool {
	now, ok := seatOf(o, s.PID)
	return ok && now == s
}

func seatOf(o lockfile.Owner, pid int) (Seat, bool) {
	dir := "/proc/" + strconv.Itoa(pid)
	p, err := readProcess(dir)
	if err != nil || p.ttyNr == 0 {
		return Seat{}, false
	}
	tty := ttyName(p.ttyNr)
	session := o.LoginUID != lockfile.NoLogin && p.loginUID == o.LoginUID && (o.Session == "" || p.session == o.Session)
	noLogin := o.Session == "" && o.LoginUID == lockfile.NoLogin && p.loginUID == lockfile.NoLogin && int64(p.euid) == o.UID && tty == o.TTY
	if !session && !noLogin {
		return Seat{}, false
	}
	return Seat{TTY: tty, Nr: p.ttyNr, PID: pid, File: filepath.Join(dir, "root/dev", tty)}, true
}

// SameTerminal says whether an open terminal is the one that the process at the seat has: the number alone is not enough,
// since each instance of devpts counts from 0.
func (s Seat) SameTerminal(f *os.File) bool {
	mine, err := f.Stat()
	if err != nil {
		return false
	}
	theirs, err := os.Stat(s.File)
	return err == nil && os.SameFile(mine, theirs)
}
