package lockfile

import "fmt"

// TargetKind tells the three things a lock can be hung on apart. Its text is the directory name
// below locks/.
type TargetKind string

const (
	TargetService TargetKind = "service"
	TargetGroup   TargetKind = "group"
	TargetHost    TargetKind = "host"
)

// hostName is the only directory below locks/host.
const hostName = "all"

// Target is what a lock covers: one service, the services of a group, or everything on this
// host, also what is added later.
type Target struct {
	Kind TargetKind
	Name string // the service or group; "all" for the host
}

// ServiceTarget, GroupTarget and HostTarget name a target without parsing. The name is not
// validated here; every operation does.
func ServiceTarget(name string) Target { return Target{TargetService, name} }
func GroupTarget(name string) Target   { return Target{TargetGroup, name} }
func HostTarget() Target               { return Target{TargetHost, hostName} }

// ParseTarget reads "db", "@web" or "--all" as people write it.
func ParseTarget(s string) (Target, error) {
	if s == "--all" {
		return HostTarget(), nil
	}
	t := ServiceTarget(s)
	if len(s) > 0 && s[0] == '@' {
		t = GroupTarget(s[1:])
	}
	if err := t.Valid(); err != nil {
		return Target{}, fmt.Errorf("cannot read target %q: %w", s, err)
	}
	return t, nil
}

// String is the form that ParseTarget reads.
func (t Target) String() string {
	switch t.Kind {
	case TargetGroup:
		return "@" + t.Name
	case TargetHost:
		return "--all"
	}
	return t.Name
}

// Valid refuses unknown kinds and names that ValidName refuses.
func (t Target) Valid() error {
	switch t.Kind {
	case TargetService, TargetGroup:
		return ValidName(t.Name)
	case TargetHost:
		if t.Name == hostName {
			return nil
		}
	}
	return fmt.Errorf("no such target: kind %q, name %q", t.Kind, t.Name)
}

// MarshalText and UnmarshalText keep a target in lock files and JSON as people write it.
func (t Target) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

func (t *Target) UnmarshalText(b []byte) error {
	var err error
	*t, err = ParseTarget(string(b))
	return err
}
