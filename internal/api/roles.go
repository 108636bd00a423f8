package api

import (
	"fmt"
	"os"
	"os/user"
	"slices"
	"strconv"
	"strings"

	"github.com/supd/supd/internal/who"
)

// Role is what a peer may do. Roles include those below them.
type Role uint8

const (
	Viewer   Role = iota // names, states and locks
	Operator             // act on services, take locks, read config, logs and events
	Admin                // break locks, upgrade
)

func (r Role) String() string {
	return [...]string{"viewer", "operator", "admin"}[r]
}

// Roles says who has which role. The zero value gives root and the uid that
// runs supd the admin role and everybody else none.
type Roles struct {
	Admins    []Grant
	Operators []Grant
}

// Grant is one entry of `operators = […]`.
type Grant struct {
	Any   bool
	Group bool // ID is a gid
	ID    uint32
}

// ParseGrants reads "group:NAME", "user:NAME", "group:ID", "user:ID", a bare
// numeric uid, or "any". Groups and users that do not exist come back in
// missing: the default groups need not exist, a mistyped one is worth a warning.
func ParseGrants(entries []string) (grants []Grant, missing []string, err error) {
	for _, e := range entries {
		g, found, err := parseGrant(e)
		switch {
		case err != nil:
			return nil, nil, err
		case !found:
			missing = append(missing, e)
		default:
			grants = append(grants, g)
		}
	}
	return grants, missing, nil
}

func parseGrant(entry string) (g Grant, found bool, err error) {
	kind, name, ok := strings.Cut(entry, ":")
	if entry == "any" {
		return Grant{Any: true}, true, nil
	}
	if !ok { // a bare number is a uid
		kind, name = "user", entry
		if _, err := strconv.ParseUint(entry, 10, 32); err != nil {
			kind = ""
		}
	}
	if name == "" || kind != "user" && kind != "group" {
		return g, false, fmt.Errorf(`cannot read role entry %q: want "user:NAME", "group:NAME", a uid, or "any"`, entry)
	}
	g.Group = kind == "group"
	id, found := lookupID(g.Group, name)
	g.ID = id
	return g, found, nil
}

func lookupID(group bool, name string) (id uint32, found bool) {
	text := name
	if _, err := strconv.ParseUint(name, 10, 32); err != nil {
		if group {
			u, err := user.LookupGroup(name)
			if err != nil {
				return 0, false
			}
			text = u.Gid
		} else {
			u, err := user.Lookup(name)
			if err != nil {
				return 0, false
			}
			text = u.Uid
		}
	}
	n, err := strconv.ParseUint(text, 10, 32)
	return uint32(n), err == nil
}

// Of judges a peer. Groups are those the process has, not those the group file
// would give it at the next login.
func (r Roles) Of(p who.Peer) Role {
	if p.UID == 0 || int(p.UID) == os.Geteuid() || granted(r.Admins, p) {
		return Admin
	}
	if granted(r.Operators, p) {
		return Operator
	}
	return Viewer
}

func granted(grants []Grant, p who.Peer) bool {
	return slices.ContainsFunc(grants, func(g Grant) bool {
		if g.Group {
			return g.ID == p.GID || slices.Contains(p.Groups, g.ID)
		}
		return g.Any || g.ID == p.UID
	})
}
