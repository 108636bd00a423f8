package lockfile

import "fmt"

// NoLogin is the login uid of a process that belongs to no login (AUDIT_UID_UNSET).
const NoLogin int64 = 4294967295

// Owner is a person as the kernel knows them. Whoever fills it takes it from the kernel (socket
// credentials, /proc/PID/loginuid, /proc/PID/sessionid), never from what a client says.
type Owner struct {
	Name      string `toml:"name"`                 // of the login uid, or of the uid where there is no login
	UID       int64  `toml:"uid"`                  // effective uid of the process
	LoginUID  int64  `toml:"login_uid"`            // audit login uid; NoLogin if unset
	Session   string `toml:"session,omitempty"`    // audit session id; "" if unset
	TTY       string `toml:"tty,omitempty"`        // e.g. "pts/3"
	Remote    string `toml:"remote,omitempty"`     // address where known; a claim, not evidence
	PID       int    `toml:"pid,omitempty"`        // of the process that asked
	StartTime uint64 `toml:"start_time,omitempty"` // /proc/PID/stat field 22, clock ticks since boot
}

// Person is the uid that stands for the human being: the login uid, else the uid. sudo changes
// the second, not the first.
func (o Owner) Person() int64 {
	if o.LoginUID != NoLogin {
		return o.LoginUID
	}
	return o.UID
}

// Same says whether both are one person in one login session: two people who share an account
// are two owners.
func (o Owner) Same(p Owner) bool {
	return o.SameLogin(p) && o.Session == p.Session
}

// SameLogin says whether both are the same person, in whatever session.
func (o Owner) SameLogin(p Owner) bool {
	return o.Person() == p.Person() && (o.LoginUID == NoLogin) == (p.LoginUID == NoLogin)
}

func (o Owner) String() string {
	name := o.Name
	if name == "" {
		name = fmt.Sprintf("uid %d", o.Person())
	}
	if o.TTY != "" {
		name += " on " + o.TTY
	}
	return name
}
