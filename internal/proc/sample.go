package proc

// Sampler reads one process's figures again and again: one kept-open descriptor, one buffer, no allocation.
// Not safe for concurrent use.
type Sampler struct{}

// NewSampler opens /proc/PID/stat of the process with this identity. ErrGone, ErrNotSame.
func NewSampler(id Identity) (*Sampler, error) { return nil, errNotBuilt }

// Sample reads the figures now. ErrGone after the process was reaped, also if its pid lives again.
func (s *Sampler) Sample() (Stat, error) { return Stat{}, errNotBuilt }

func (s *Sampler) Close() error { return nil }

// Tree is pid and all its descendants, parents first, from one look at /proc.
func Tree(pid int) ([]Stat, error) { return nil, errNotBuilt }

// FindMarked finds the living processes whose environment says they are of this service (any generation if gen is 0), oldest first.
// It sees what supd may see: as root everything, otherwise the user's own.
func FindMarked(service string, gen uint64) ([]Identity, error) { return nil, errNotBuilt }
