package proc

// User is who a service runs as.
type User struct {
	Name   string
	UID    uint32
	GID    uint32
	Groups []uint32 // supplementary
	Home   string
	Shell  string
}

// LookupUser finds a user by name or number, with his groups; group (name or number, "" = his own) replaces the primary
// group, groups (nil = his own) the supplementary ones. Read afresh at each call.
func LookupUser(name, group string, groups []string) (User, error) { return User{}, errNotBuilt }
