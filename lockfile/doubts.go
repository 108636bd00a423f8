package lockfile

// Doubts are the files beside locks because of which services count as locked: a plan that cannot be read (everything does: nobody
// knows who is in which group), and holds that cannot. Those among the lock files come from Locks. Takes no gate; without the marker
// there are none, since Locks has said it already.
func (d *Dir) Doubts() []Unreadable {
	if d.marked() != nil {
		return nil
	}
	var bad []Unreadable
	if _, err := d.Plan(); err != nil {
		bad = append(bad, Unreadable{d.path + "/plan.toml", err})
	}
	dir := d.path + "/holds"
	services, err := d.disk.list(dir)
	if err != nil {
		return append(bad, Unreadable{dir, err})
	}
	for _, s := range services {
		if ValidName(s) == nil { // nobody reads the others, so they hold nothing
			_, unread := d.ListHolds(s)
			bad = append(bad, unread...)
		}
	}
	return bad
}
