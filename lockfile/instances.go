package lockfile

import "strings"

// Instances: a lock on the service NAME covers NAME and everything called NAME@…, whenever it appears. So it is by the name
// alone that an instance is found, when its locks are read and when a lock looks for its gates; no plan has to be asked, and
// nothing has to be hung up when one more is added. "a@b@c" is an instance of "a@b", and of "a".

// instanceMark ends the name of a service in the names of its instances.
const instanceMark = "@"

// Names says whether a service target means the service of this name: itself or one of its instances.
func (t Target) Names(service string) bool {
	return t.Kind == TargetService && (service == t.Name || strings.HasPrefix(service, t.Name+instanceMark))
}

// bases are the names that a service is an instance of.
func bases(service string) []string {
	var out []string
	for i := 0; i < len(service); i++ {
		if service[i] == instanceMark[0] {
			out = append(out, service[:i])
		}
	}
	return out
}

// readBase appends the locks on the service that another one is an instance of. Copies of other locks in that directory say
// something of the service itself only: their own gates do not include the instance's. What cannot be read holds.
func (d *Dir) readBase(base string, c *Cover) {
	t := ServiceTarget(base)
	if t.Valid() != nil {
		return
	}
	var own Cover
	d.readLocks(t, &own)
	for _, l := range own.Locks {
		if l.Target == t {
			c.Locks = append(c.Locks, l)
		}
	}
	c.Unreadable = append(c.Unreadable, own.Unreadable...)
}
