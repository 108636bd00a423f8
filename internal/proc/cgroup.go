package proc

// Cgroups is supd's own subtree of the unified hierarchy: BASE/svc-NAME/gen-N. One per state directory.
type Cgroups struct{}

// FindCgroups finds or makes the subtree. *NoCgroupError says why there can be none: then process groups have to do.
func FindCgroups(stateDir string) (*Cgroups, error) { return nil, errNotBuilt }

// NoCgroupError: services cannot have cgroups of their own here.
type NoCgroupError struct{ Why string }

func (e *NoCgroupError) Error() string { return "cannot use cgroups: " + e.Why }

// Base is the absolute path of the subtree.
func (c *Cgroups) Base() string { return "" }

// Make makes the cgroup of one instance.
func (c *Cgroups) Make(service string, gen uint64) (*Cgroup, error) { return nil, errNotBuilt }

// Service is the cgroup over all generations of a service; it need not exist.
func (c *Cgroups) Service(service string) *Cgroup { return nil }

// Generations lists the instances of a service that have a cgroup, oldest first.
func (c *Cgroups) Generations(service string) ([]uint64, error) { return nil, errNotBuilt }

// Services lists the services that have a cgroup.
func (c *Cgroups) Services() ([]string, error) { return nil, errNotBuilt }

// Sweep removes the empty cgroups of a service, except that of generation keep.
func (c *Cgroups) Sweep(service string, keep uint64) error { return errNotBuilt }

// Cgroup is one cgroup v2 directory.
type Cgroup struct{ Path string }

// Populated says whether a process lives in it or below. A cgroup that does not exist is empty.
func (g *Cgroup) Populated() (bool, error) { return false, errNotBuilt }

// Kill sends SIGKILL to everything in it and below, also to what forks meanwhile.
func (g *Cgroup) Kill() error { return errNotBuilt }

// Procs lists the pids in it and below.
func (g *Cgroup) Procs() ([]int, error) { return nil, errNotBuilt }

// Remove removes it and what is below; it has to be empty.
func (g *Cgroup) Remove() error { return errNotBuilt }

// OOMKills counts processes that the kernel killed here for memory; false where there is no memory controller.
func (g *Cgroup) OOMKills() (uint64, bool) { return 0, false }
