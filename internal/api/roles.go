package api

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
