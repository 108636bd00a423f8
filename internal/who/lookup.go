package who

import (
	"errors"
	"fmt"
	"os/user"
	"strconv"
	"strings"
)

// UnknownUserError: this host has no user of that name.
type UnknownUserError struct{ Name string }

func (e *UnknownUserError) Error() string { return fmt.Sprintf("this host has no user %q", e.Name) }

// Lookup finds a user by name, or by uid in digits. A uid that no user has is one nevertheless, named "uid N": directories of users
// may be away, the kernel's numbers are not. *UnknownUserError for a name that nobody has.
func Lookup(name string) (uid int64, shown string, err error) {
	name = strings.TrimSpace(name)
	if n, err := strconv.ParseUint(name, 10, 32); err == nil {
		return int64(n), Name(int64(n)), nil
	}
	u, err := user.Lookup(name)
	if errors.As(err, new(user.UnknownUserError)) {
		return 0, "", &UnknownUserError{name}
	}
	if err != nil {
		return 0, "", fmt.Errorf("cannot look up user %q: %w", name, err)
	}
	uid, err = strconv.ParseInt(u.Uid, 10, 64)
	return uid, u.Username, err
}
