package proc

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/supd/supd/internal/several"
)

const (
	// The prefixes keep names of services apart from the kernel's own files
	// ("memory.max" is a valid service name).
	servicePrefix    = "svc-"
	generationPrefix = "gen-"
)

// Cgroups is supd's own subtree of the unified hierarchy: BASE/svc-NAME/gen-N. One per
// state directory, so that a second supd with another state directory has its own, and
// the next supd with this one finds what the last left running.
type Cgroups struct{ base string }

// NoCgroupError: services cannot have cgroups of their own here. Process groups have to
// do.
type NoCgroupError struct{ Why string }

func (e *NoCgroupError) Error() string { return "cannot use cgroups: " + e.Why }

// FindCgroups finds or makes the subtree: in supd's own cgroup if that was delegated to
// it, else, as root, at the top of the hierarchy (pure or hybrid), else where an
// ordinary user may write. *NoCgroupError where there can be none.
func FindCgroups(stateDir string) (*Cgroups, error) {
	mount, root, err := unifiedMount()
	if err != nil {
		return nil, err
	}
	parent, err := cgroupParent(mount, root)
	if err != nil {
		return nil, err
	}
	return CgroupsAt(filepath.Join(parent, "supd-"+DaemonOf(stateDir)))
}

// CgroupsAt uses base, an absolute path in a cgroup2 mount, and makes it if need be.
func CgroupsAt(base string) (*Cgroups, error) {
	if err := os.Mkdir(base, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, &NoCgroupError{Why: err.Error()}
	}
	kind, err := os.ReadFile(filepath.Join(base, "cgroup.type"))
	if err != nil {
		return nil, &NoCgroupError{Why: err.Error()}
	}
	if k := strings.TrimSpace(string(kind)); k != "domain" {
		return nil, &NoCgroupError{Why: fmt.Sprintf("%s is of type %q, which cannot hold processes", base, k)}
	}
	return &Cgroups{base: base}, nil
}

// unifiedMount finds where cgroup v2 is mounted, and which cgroup is the root of that
// mount.
func unifiedMount() (mount, root string, err error) {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return "", "", &NoCgroupError{Why: err.Error()}
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		// 41 31 0:38 ROOT MOUNTPOINT OPTIONS [tags] - TYPE SOURCE OPTIONS
		left, right, ok := strings.Cut(lines.Text(), " - ")
		at := strings.Fields(left)
		if ok && len(at) >= 6 && strings.HasPrefix(right, "cgroup2 ") {
			return unescapeMount(at[4]), unescapeMount(at[3]), nil
		}
	}
	if err := lines.Err(); err != nil {
		return "", "", &NoCgroupError{Why: err.Error()}
	}
	return "", "", &NoCgroupError{Why: "no cgroup2 file system is mounted"}
}

// unescapeMount undoes the kernel's \040 for a space and its like.
func unescapeMount(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}

func cgroupParent(mount, root string) (string, error) {
	own, err := ownCgroup(mount, root)
	if err != nil {
		return "", err
	}
	if delegated(own) && mayFork(own) {
		return own, nil
	}
	if up := filepath.Dir(own); filepath.Base(own) == selfCgroup && delegated(up) && mayFork(up) {
		return up, nil
	}
	if unix.Geteuid() == 0 && mayFork(mount) {
		return mount, nil
	}
	if own != mount && mayFork(own) {
		return own, nil
	}
	return "", &NoCgroupError{Why: fmt.Sprintf("%s is not delegated to uid %d", own, unix.Geteuid())}
}

// ownCgroup is the directory of the cgroup supd runs in.
func ownCgroup(mount, root string) (string, error) {
	b, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return "", &NoCgroupError{Why: err.Error()}
	}
	for line := range strings.Lines(string(b)) {
		path, ok := strings.CutPrefix(strings.TrimSpace(line), "0::")
		if !ok {
			continue
		}
		if strings.HasPrefix(path, "/..") { // outside this namespace's part of the tree
			return mount, nil
		}
		return filepath.Join(mount, strings.TrimPrefix(path, strings.TrimSuffix(root, "/"))), nil
	}
	return "", &NoCgroupError{Why: "supd is in no cgroup of the unified hierarchy"}
}

// delegated: systemd marks what it hands over (Delegate=yes), for root and for users.
func delegated(dir string) bool {
	var v [8]byte
	for _, name := range []string{"trusted.delegate", "user.delegate"} {
		if n, err := unix.Getxattr(dir, name, v[:]); err == nil && n == 1 && v[0] == '1' {
			return true
		}
	}
	return false
}

// mayFork: cloning into a cgroup below dir needs the right to write dir's cgroup.procs,
// as the common ancestor.
func mayFork(dir string) bool {
	return unix.Faccessat(unix.AT_FDCWD, dir, unix.W_OK, unix.AT_EACCESS) == nil &&
		unix.Faccessat(unix.AT_FDCWD, filepath.Join(dir, "cgroup.procs"), unix.W_OK, unix.AT_EACCESS) == nil
}

// Base is the absolute path of the subtree.
func (c *Cgroups) Base() string { return c.base }

// Service is the cgroup over all generations of a service; it need not exist. Its
// Populated sees every instance at once.
func (c *Cgroups) Service(service string) *Cgroup {
	return &Cgroup{Path: filepath.Join(c.base, servicePrefix+service)}
}

// Generation is the cgroup of one instance; it need not exist.
func (c *Cgroups) Generation(service string, gen uint64) *Cgroup {
	return &Cgroup{Path: filepath.Join(c.base, servicePrefix+service, generationPrefix+strconv.FormatUint(gen, 10))}
}

// Make makes the cgroup of one instance. That it exists already is no error.
func (c *Cgroups) Make(service string, gen uint64) (*Cgroup, error) {
	g := c.Generation(service, gen)
	err := os.Mkdir(g.Path, 0o755)
	if errors.Is(err, fs.ErrNotExist) {
		if err = os.MkdirAll(filepath.Dir(g.Path), 0o755); err == nil {
			err = os.Mkdir(g.Path, 0o755)
		}
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("cannot make the cgroup of %q: %w", service, err)
	}
	return g, nil
}

// Generations lists the instances of a service that have a cgroup, oldest first. None
// is no error.
func (c *Cgroups) Generations(service string) ([]uint64, error) {
	names, err := subdirs(c.Service(service).Path, generationPrefix)
	if err != nil {
		return nil, fmt.Errorf("cannot list the cgroups of %q: %w", service, err)
	}
	var gens []uint64
	for _, n := range names {
		if g, err := strconv.ParseUint(n, 10, 64); err == nil {
			gens = append(gens, g)
		}
	}
	slices.Sort(gens)
	return gens, nil
}

// Services lists the services that have a cgroup, sorted.
func (c *Cgroups) Services() ([]string, error) {
	names, err := subdirs(c.base, servicePrefix)
	if err != nil {
		return nil, fmt.Errorf("cannot list the cgroups of services: %w", err)
	}
	slices.Sort(names)
	return names, nil
}

// Sweep removes the empty cgroups of a service before generation keep (0: all of them, and
// the service's own too). What is populated stays, and so does what is made meanwhile. Errors are of no
// consequence to anybody but the tidy.
func (c *Cgroups) Sweep(service string, keep uint64) error {
	gens, err := c.Generations(service)
	for _, g := range gens {
		if g < keep || keep == 0 {
			err = several.Join(err, c.Generation(service, g).Remove())
		}
	}
	if keep == 0 {
		err = several.Join(err, c.Service(service).Remove())
	}
	return err
}

// subdirs lists directories in dir by what follows prefix in their names.
func subdirs(dir, prefix string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if n, ok := strings.CutPrefix(e.Name(), prefix); ok && e.IsDir() {
			names = append(names, n)
		}
	}
	return names, nil
}

// Tidy removes every empty cgroup of the subtree, and the subtree itself if nothing is
// left: for a supd that goes for good. What is populated stays where the next supd looks.
func (c *Cgroups) Tidy() error {
	names, err := c.Services()
	for _, name := range names {
		err = several.Join(err, c.Sweep(name, 0))
	}
	if err == nil {
		err = (&Cgroup{Path: c.base}).Remove()
	}
	return err
}
