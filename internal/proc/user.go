package proc

import (
	"errors"
	"fmt"
	"os/user"
	"strconv"
)

// User is who a service runs as.
type User struct {
	Name   string
	UID    uint32
	GID    uint32
	Groups []uint32 // supplementary
	Home   string
}

// LookupUser finds a user by name or number, with his groups; group (name or number, ""
// = his own) replaces the primary group, groups (nil = his own) the supplementary ones.
// Read afresh at each call: users come and go while supd runs.
func LookupUser(name, group string, groups []string) (User, error) {
	u, err := user.Lookup(name)
	if _, isNumber := strconv.ParseUint(name, 10, 32); err != nil && isNumber == nil {
		u, err = user.LookupId(name)
	}
	if err != nil {
		return User{}, accountError("user", name, err)
	}
	uid, err := number32(u.Uid)
	if err != nil {
		return User{}, accountError("user", name, err)
	}
	found := User{Name: u.Username, UID: uid, Home: u.HomeDir}
	if group == "" {
		group = u.Gid
	}
	if found.GID, err = lookupGroup(group); err != nil {
		return User{}, err
	}
	if groups == nil {
		if groups, err = u.GroupIds(); err != nil {
			return User{}, fmt.Errorf("cannot list the groups of user %q: %w", name, err)
		}
	}
	for _, g := range groups {
		gid, err := lookupGroup(g)
		if err != nil {
			return User{}, err
		}
		found.Groups = append(found.Groups, gid)
	}
	return found, nil
}

// lookupGroup takes a number as it is: a primary group without a name is usual in
// containers.
func lookupGroup(name string) (uint32, error) {
	if gid, err := number32(name); err == nil {
		return gid, nil
	}
	g, err := user.LookupGroup(name)
	if err != nil {
		return 0, accountError("group", name, err)
	}
	return number32(g.Gid)
}

func number32(s string) (uint32, error) {
	n, err := strconv.ParseUint(s, 10, 32)
	return uint32(n), err
}

func accountError(kind, name string, err error) error {
	var noUser user.UnknownUserError
	var noID user.UnknownUserIdError
	var noGroup user.UnknownGroupError
	if errors.As(err, &noUser) || errors.As(err, &noID) || errors.As(err, &noGroup) {
		return fmt.Errorf("%s %q does not exist", kind, name)
	}
	return fmt.Errorf("cannot look up %s %q: %w", kind, name, err)
}
