package configs

import (
	"os"
	"path/filepath"
)

// JournalSocket is where systemd-journald takes streams (systemd-journald.service(8)).
const JournalSocket = "/run/systemd/journal/stdout"

// systemLogDir takes the log files of the host's supd; a private supd keeps them below its state directory.
const (
	systemLogDir   = "/var/log/supd"
	systemStateDir = "/var/lib/supd"
)

// LogPlace says where the output of s goes, for the supd with this state directory: "auto" is decided by whether there is a journal now.
// file is "" unless it goes to one.
func (s *Service) LogPlace(stateDir string) (to LogTo, file string) {
	to = s.Log
	if to == LogAuto {
		to = LogFile
		// Readiness by a line of the log needs a file that supd itself can read while the service starts.
		if _, err := os.Stat(JournalSocket); err == nil && s.Ready.Mode != ReadyLog {
			to = LogJournal
		}
	}
	switch {
	case to != LogFile:
		return to, ""
	case s.LogFile != "":
		return to, s.LogFile
	}
	return to, DefaultLogFile(stateDir, s.Name)
}

// DefaultLogFile is the log of a service that has no log_file.
func DefaultLogFile(stateDir, service string) string {
	dir := systemLogDir
	if stateDir != systemStateDir {
		dir = filepath.Join(stateDir, "log")
	}
	return filepath.Join(dir, service+".log")
}
