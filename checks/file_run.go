package checks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"strconv"
	"syscall"
	"time"
)

// fileCheck is a File made ready: what its texts mean, and the names it has learnt.
type fileCheck struct {
	File
	bits           uint32 // of Permission
	want, refuse   pattern
	owners, groups names
}

// names remembers what a number is called: a look-up may go over the network.
type names map[uint32]string

// namesMax numbers are remembered for one file; an owner rarely changes.
const namesMax = 16

// of is the name of a number, or the number itself where nobody knows it.
func (n names) of(id uint32, lookUp func(string) (string, error)) string {
	if name, ok := n[id]; ok {
		return name
	}
	number := strconv.FormatUint(uint64(id), 10)
	name, err := lookUp(number)
	if err != nil {
		name = number
	}
	if len(n) >= namesMax {
		clear(n)
	}
	n[id] = name
	return name
}

// Run is Check's. On a dead network file system stat does not come back; the scheduler lives with that.
func (c *fileCheck) Run(ctx context.Context, _ Env) Result {
	if r, stop := canceled(ctx); stop {
		return r
	}
	info, err := os.Stat(c.Path)
	missing := errors.Is(err, fs.ErrNotExist)
	// What is there decides, not the verdict: `when` can ask for "missing" in either case.
	there := func(r Result) Result {
		return r.With("exists", Truth(!missing)).With("missing", Truth(missing))
	}
	switch {
	case missing && c.Exists:
		return there(Fail("%s does not exist", c.Path))
	case missing:
		return there(Pass("%s does not exist, as wanted", c.Path))
	case err != nil:
		return Unclear("cannot look at %s: %s", c.Path, pathCause(err))
	case !c.Exists:
		return there(Fail("%s exists and should not", c.Path))
	case !info.Mode().IsRegular():
		return there(Fail("%s is no regular file but %s", c.Path, kindOf(info.Mode())))
	}
	// On Linux os.Stat always brings the kernel's own structure.
	st := info.Sys().(*syscall.Stat_t)
	seen := metadata{
		size: info.Size(), age: time.Since(info.ModTime()), mode: uint32(st.Mode) & 0o7777,
		owner: c.owners.of(st.Uid, ownerName), group: c.groups.of(st.Gid, groupName),
	}
	r := there(c.judge(seen, st))
	r = r.With("age", Seconds(seen.age)).With("size", Bytes(float64(seen.size))).With("permission", Mode(seen.mode)).
		With("owner", Text(seen.owner)).With("group", Text(seen.group)).
		With(fingerprint, Text(fmt.Sprint(st.Dev, st.Ino, st.Size, info.ModTime().UnixNano(), st.Mode, st.Uid, st.Gid)))
	// The first value given became the main one, and that something exists is not what one wants to see of it.
	r.Value = r.Values["size"]
	return r
}

// metadata is what stat tells of a file, in the words of the config.
type metadata struct {
	size         int64
	age          time.Duration
	mode         uint32
	owner, group string
}

// judge compares what stat tells with what is wanted, then looks inside. The first difference is the verdict.
func (c *fileCheck) judge(seen metadata, st *syscall.Stat_t) Result {
	switch {
	case c.Permission != "" && seen.mode != c.bits:
		return Fail("%s has permission %04o, want %04o", c.Path, seen.mode, c.bits)
	case c.Owner != "" && c.Owner != seen.owner && c.Owner != strconv.FormatUint(uint64(st.Uid), 10):
		return Fail("%s belongs to %s, want %s", c.Path, seen.owner, c.Owner)
	case c.Group != "" && c.Group != seen.group && c.Group != strconv.FormatUint(uint64(st.Gid), 10):
		return Fail("%s belongs to group %s, want %s", c.Path, seen.group, c.Group)
	}
	if !c.want.empty() || !c.refuse.empty() {
		if r, bad := c.search(); bad {
			return r
		}
	}
	return Pass("%s: %s, last written %s ago", c.Path, bytesText(float64(seen.size)), secondsText(seen.age.Seconds()))
}

// search looks into the file; a result only if something is wrong.
func (c *fileCheck) search() (Result, bool) {
	// Between stat and open it may have become a FIFO, whose opening would block.
	f, err := os.OpenFile(c.Path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return Unclear("cannot read %s: %s", c.Path, pathCause(err)), true
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, replyBytesMax))
	if err != nil {
		return Unclear("cannot read %s: %s", c.Path, pathCause(err)), true
	}
	if !c.want.in(text) {
		how := ""
		if len(text) == replyBytesMax {
			how = " (only the first 1M was searched)"
		}
		return Fail("%s: %s%s", c.Path, unmet("the content", c.want, text), how), true
	}
	if c.refuse.re != nil {
		if at := c.refuse.re.FindIndex(text); at != nil {
			return Fail("%s has %s in it, a match of %s", c.Path, excerpt(text[at[0]:at[1]]), clip(c.Without, quotedMax)), true
		}
	}
	return Result{}, false
}

// ownerName looks a user up by number: /etc/passwd, or what nsswitch.conf says.
func ownerName(id string) (string, error) {
	u, err := user.LookupId(id)
	if err != nil {
		return "", err
	}
	return u.Username, nil
}

// groupName is the same for groups.
func groupName(id string) (string, error) {
	g, err := user.LookupGroupId(id)
	if err != nil {
		return "", err
	}
	return g.Name, nil
}

// pathCause drops the path, which the message names already.
func pathCause(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// kindOf names what is no regular file.
func kindOf(m fs.FileMode) string {
	switch {
	case m.IsDir():
		return "a directory"
	case m&fs.ModeNamedPipe != 0:
		return "a FIFO"
	case m&fs.ModeSocket != 0:
		return "a socket"
	}
	return "a device"
}
