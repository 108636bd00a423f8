package hands

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/supd/supd/internal/proc"
	"github.com/supd/supd/lockfile"
)

// How a helper is called: supd _hand KIND SERVICE. The rest comes through descriptors,
// which nobody reads in ps.
const (
	helperWord = "_hand"
	kindHeld   = "held"
	kindStop   = "stop"
	kindScript = "script"

	// descriptors beyond stdin, stdout and stderr
	fdOrders = 3
	fdReport = 4
	fdGate   = 5
)

// execOrder is what a held child becomes.
type execOrder struct {
	Path    string        `json:"path"`
	Argv    []string      `json:"argv"`
	Dir     string        `json:"dir"`
	Env     []string      `json:"env"`
	User    *proc.User    `json:"user,omitempty"`
	Umask   *uint32       `json:"umask,omitempty"`
	Nice    *int          `json:"nice,omitempty"`
	OOM     *int          `json:"oom,omitempty"`
	Rlimits []proc.Rlimit `json:"rlimits,omitempty"`
	Sockets int           `json:"sockets,omitempty"` // so many descriptors from fdListen on are the program's
}

// scriptOrder is a program and how long it may take.
type scriptOrder struct {
	Exec    execOrder     `json:"exec"`
	Timeout time.Duration `json:"timeout"` // 0: scriptTimeout
	Cgroup  string        `json:"cgroup,omitempty"`
	Kept    bool          `json:"kept,omitempty"` // the helper's stdout is a memfd, see kept.go
}

// order is what a helper does. It comes complete or not at all: supd dead before it was
// sent means no effect.
type order struct {
	Service  string        `json:"service"`
	StateDir string        `json:"state_dir"`
	Notes    string        `json:"notes"`
	Target   proc.Identity `json:"target"`
	Gen      uint64        `json:"gen"`
	Cgroup   string        `json:"cgroup,omitempty"`
	Signal   int           `json:"signal"`
	Timeout  time.Duration `json:"timeout"`
	Script   *scriptOrder  `json:"script,omitempty"`
	Then     bool          `json:"then"` // more follows under this permit
}

func (o *order) mark() proc.Mark {
	return proc.Mark{Daemon: proc.DaemonOf(o.StateDir), Service: o.Service, Gen: o.Gen}
}

// word is one line of a helper's report.
type word struct {
	Script *proc.Identity `json:"script,omitempty"` // said before the script is let go
	Stop   *StopResult    `json:"stop,omitempty"`
	Ran    *ScriptResult  `json:"ran,omitempty"`
	Err    string         `json:"err,omitempty"`
	Last   bool           `json:"last,omitempty"` // everything is over; without it the helper died
}

// recorder changes the in-flight record: the permit's in supd, the inherited gate's in
// a helper.
type recorder func(change func(*lockfile.Record)) error

func send(w io.Writer, v any) error { return json.NewEncoder(w).Encode(v) }

// receive reads one value that ends in a newline. io.EOF and io.ErrUnexpectedEOF: the
// sender died first.
func receive(r io.Reader, v any) error {
	d := json.NewDecoder(r)
	if err := d.Decode(v); err != nil {
		return err
	}
	var end [1]byte
	if _, err := io.ReadFull(io.MultiReader(d.Buffered(), r), end[:]); err != nil || end[0] != '\n' {
		return io.ErrUnexpectedEOF
	}
	return nil
}

// errNoOrder: the parent died, or changed its mind, before it sent the order.
var errNoOrder = errors.New("no order came")

func receiveOrder(fd int, v any) error {
	f := os.NewFile(uintptr(fd), "orders")
	defer f.Close()
	if err := receive(f, v); err != nil {
		return fmt.Errorf("%w: %w", errNoOrder, err)
	}
	return nil
}
