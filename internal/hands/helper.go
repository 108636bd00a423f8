package hands

import (
	"fmt"
	"math"
	"os"
	"os/signal"

	"golang.org/x/sys/unix"

	"github.com/supd/supd/internal/proc"
	"github.com/supd/supd/lockfile"
)

// Helper does the work of a helper process if args (os.Args) say that this is one, and
// tells whether it was. To be called first in main; the process is to exit with 0 when
// it returns true.
func Helper(args []string) bool {
	if len(args) < 3 || args[1] != helperWord {
		return false
	}
	switch args[2] {
	case kindHeld:
		if len(args) < 5 {
			return false
		}
		beHeld(args[4])
	case kindStop, kindScript:
		beHelper(args[2])
	default:
		return false
	}
	return true
}

// beHelper carries out one order under the inherited gate, reports, and leaves the gate
// to the kernel: never LOCK_UN, which would open it for supd too.
func beHelper(kind string) {
	closeInherited() // a script must not keep the gate
	// Whoever ends supd's process group or its unit does not mean a half-done stop.
	// Caught, not ignored: children inherit ignoring.
	signal.Notify(make(chan os.Signal, 1), unix.SIGTERM, unix.SIGINT, unix.SIGHUP, unix.SIGQUIT)
	report := os.NewFile(fdReport, "report")
	var o order
	if err := receiveOrder(fdOrders, &o); err != nil {
		return
	}
	// supd may be dead; then the record tells, and nobody reads this.
	_ = send(report, carryOut(kind, o, func(w word) { _ = send(report, w) }))
}

// closeInherited keeps orders, report, gate and whatever else came along from the next
// exec.
func closeInherited() {
	if unix.CloseRange(fdOrders, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC) == nil {
		return
	}
	for fd := fdOrders; fd <= fdGate; fd++ { // kernel before 5.11
		unix.CloseOnExec(fd)
	}
}

// carryOut never reports success for anything it is not sure of: its errors are words
// like its results.
func carryOut(kind string, o order, say func(word)) word {
	gate, err := lockfile.OpenInherited(fdGate, o.StateDir, o.Service)
	if err != nil {
		return word{Err: fmt.Sprintf("cannot act on %q: %v", o.Service, err), Last: true}
	}
	table, err := proc.NewTable()
	if err != nil {
		return word{Err: fmt.Sprintf("cannot act on %q: %v", o.Service, err), Last: true}
	}
	d := down{order: o, table: table, exe: "/proc/self/exe", record: gate.Update, say: say}
	if o.Script != nil && o.Script.Kept {
		d.kept = os.Stdout
	}
	return d.do(kind)
}

// do is the same work in a helper and, after its helper's death, in supd.
func (d *down) do(kind string) word {
	w := word{Last: true}
	var err error
	if kind == kindStop {
		var res StopResult
		res, err = d.run()
		w.Stop = &res
	} else {
		var res ScriptResult
		if res, err = d.runScript(*d.order.Script); err == nil {
			w.Ran = &res
			err = d.scriptOver()
		}
	}
	if err != nil {
		w.Err = err.Error()
	}
	return w
}

// scriptOver says in the record that the script has ended, and whether that was all.
func (d *down) scriptOver() error {
	return d.record(func(r *lockfile.Record) {
		r.Script = lockfile.Proc{}
		if !d.order.Then {
			r.Phase = lockfile.PhaseDone
		}
	})
}
