package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// The JSON of supctl, as cli.md has it. Not supd's own types: these names are the interface that is tested.
type (
	serviceStatus struct {
		Name      string       `json:"name"`
		State     string       `json:"state"`
		Since     time.Time    `json:"since"`
		PID       int          `json:"pid"`
		StartedAt *time.Time   `json:"started_at"`
		Restarts  int          `json:"restarts"`
		Want      string       `json:"want"`
		Mode      string       `json:"mode"`
		Holds     []holdStatus `json:"holds"`
		Detail    string       `json:"detail"`
		Next      string       `json:"next"`
		Orphaned  bool         `json:"orphaned"`
		Pending   bool         `json:"change_pending"`
		Shielded  string       `json:"shielded_by"`
		Job       *struct {
			NextRun       *time.Time `json:"next_run"`
			LastResult    string     `json:"last_result"`
			LastSuccess   *time.Time `json:"last_success"`
			LastDurationS float64    `json:"last_duration_s"`
		}
		Checks struct{ OK, Failing, Unknown int }

		StartedUnderLock []strayStatus `json:"started_under_lock"`
	}
	holdStatus struct {
		Kind   string    `json:"kind"`
		By     string    `json:"by"`
		Reason string    `json:"reason"`
		Since  time.Time `json:"since"`
		LockID string    `json:"lock_id"`

		Abandoned bool     `json:"abandoned"`
		NotReady  []string `json:"not_ready"`
	}
	lockTimes   struct{ Since, Until time.Time }
	strayStatus struct {
		PID       int    `json:"pid"`
		How       string `json:"how"`
		Command   string `json:"command"`
		Parent    string `json:"parent"`
		ParentPID int    `json:"parent_pid"`
		Login     string `json:"login"`
		LoginUID  *int   `json:"login_uid"`
	}
	lockStatus struct {
		ID, Target, Owner, TTY, Reason, Ticket string
		UID                                    int  `json:"uid"`
		LoginUID                               *int `json:"login_uid"`
		Since                                  time.Time
		Until                                  *time.Time
		Stopped                                bool
		Overdue, Abandoned, Ready, Orphaned    bool
		File                                   string

		StartedUnderLock []strayStatus `json:"started_under_lock"`
	}
)

func (s serviceStatus) holds() (kinds []string) {
	for _, h := range s.Holds {
		kinds = append(kinds, h.Kind)
	}
	return kinds
}

func (d *daemon) argv(args []string) []string {
	return append([]string{programs.supctl, "--socket", d.path("run/supd.sock"), "--state-dir", d.path("state"), "--config", d.path("supd.toml")}, args...)
}

func (d *daemon) env() []string { return append(os.Environ(), "NO_COLOR=1") }

// ctl runs supctl as whoever runs the tests.
func (d *daemon) ctl(args ...string) result {
	d.t.Helper()
	return personJob{Argv: d.argv(args), Env: d.env(), UID: os.Geteuid()}.run()
}

// ctlAsync runs supctl beside the test; the channel has its end.
func (d *daemon) ctlAsync(args ...string) <-chan result {
	end := make(chan result, 1)
	job := personJob{Argv: d.argv(args), Env: d.env(), UID: os.Geteuid()}
	go func() { end <- job.run() }()
	return end
}

// finish waits for an asynchronous supctl.
func (d *daemon) finish(end <-chan result) result {
	d.t.Helper()
	select {
	case r := <-end:
		return r
	case <-time.After(patience):
		d.t.Fatalf("supctl does not end")
		panic("unreachable")
	}
}

// decode reads the one JSON document of a supctl command.
func (d *daemon) decode(into any, args ...string) result {
	d.t.Helper()
	r := d.ctl(append(args, "-o", "json")...)
	if err := json.Unmarshal([]byte(r.Out), into); err != nil {
		d.t.Fatalf("%s: %v\nstdout: %s\nstderr: %s\n%s", r.Argv, err, r.Out, r.Err, d.log())
	}
	return r
}

// all is every service's status.
func (d *daemon) all() map[string]serviceStatus {
	d.t.Helper()
	var reply struct{ Services []serviceStatus }
	d.decode(&reply, "status")
	byName := map[string]serviceStatus{}
	for _, s := range reply.Services {
		byName[s.Name] = s
	}
	return byName
}

func (d *daemon) status(name string) serviceStatus {
	d.t.Helper()
	s, ok := d.all()[name]
	if !ok {
		d.t.Fatalf("status has no %q", name)
	}
	return s
}

// problems is what supd says of itself in status.
func (d *daemon) problems() string {
	d.t.Helper()
	var reply struct{ Problems []string }
	d.decode(&reply, "status")
	return strings.Join(reply.Problems, "\n")
}

func (d *daemon) locks() (locks []lockStatus) {
	d.t.Helper()
	var reply struct{ Locks []lockStatus }
	d.decode(&reply, "maintenance", "list")
	return reply.Locks
}

// waitState waits until status shows the service in that state.
func (d *daemon) waitState(name, state string) (s serviceStatus) {
	d.t.Helper()
	eventually(d.t, name+" "+state, func() string {
		if s = d.all()[name]; s.State == state {
			return ""
		}
		return fmt.Sprintf("it is %q: %s", s.State, s.Detail)
	})
	return s
}

// waitHold waits until status shows the service down and held in that way.
func (d *daemon) waitHold(name, kind string) (s serviceStatus) {
	d.t.Helper()
	eventually(d.t, name+" held by "+kind, func() string {
		if s = d.all()[name]; slices.Contains(s.holds(), kind) {
			return ""
		}
		return fmt.Sprintf("it is %s, held by %v: %s", s.State, s.holds(), s.Detail)
	})
	return s
}

// up waits until the services are up and gives their process ids.
func (d *daemon) up(names ...string) (pids []int) {
	d.t.Helper()
	for _, n := range names {
		pid := d.waitState(n, "up").PID
		d.noticed(n, pid)
		pids = append(pids, pid)
	}
	return pids
}

// noticed waits until the witness that runs as pid has noted its start: a process is up for supd before its program has
// come so far. Services that are no witnesses pass.
func (d *daemon) noticed(name string, pid int) {
	d.t.Helper()
	config, err := os.ReadFile(d.path("supd.toml"))
	if err != nil {
		d.t.Fatal(err)
	}
	if !strings.Contains(string(config), "/"+name+".log\"") {
		return
	}
	eventually(d.t, fmt.Sprintf("a note of process %d of %s", pid, name), func() string {
		if !alive(pid) || slices.ContainsFunc(d.starts(name), func(n note) bool { return n.PID == pid }) {
			return ""
		}
		return "none"
	})
}

// starts are the notes of a service's starts.
func (d *daemon) starts(name string) (all []note) {
	d.t.Helper()
	for _, n := range notes(d.t, d.path(name+".log")) {
		if n.What == "start" {
			all = append(all, n)
		}
	}
	return all
}

// noted are the notes of a service's log that say what.
func (d *daemon) noted(name, what string) (all []note) {
	d.t.Helper()
	for _, n := range notes(d.t, d.path(name+".log")) {
		if n.What == what {
			all = append(all, n)
		}
	}
	return all
}

// waitStarts waits until a service has been started n times, and fails if it was more often.
func (d *daemon) waitStarts(name string, n int) (all []note) {
	d.t.Helper()
	eventually(d.t, fmt.Sprintf("start %d of %s", n, name), func() string {
		if all = d.starts(name); len(all) < n {
			return fmt.Sprintf("%d starts", len(all))
		}
		return ""
	})
	if len(all) > n {
		d.t.Fatalf("%s was started %d times, want %d: %v", name, len(all), n, all)
	}
	return all
}

// unchanged watches that the services' witnesses note nothing more. What was started before may still have to note it.
func (d *daemon) unchanged(why string, names ...string) {
	d.t.Helper()
	for _, n := range names {
		for _, pid := range witnessesOf(d.path(n + ".log")) {
			eventually(d.t, fmt.Sprintf("a note of process %d of %s", pid, n), func() string {
				if !alive(pid) || slices.ContainsFunc(notes(d.t, d.path(n+".log")), func(n note) bool { return n.PID == pid }) {
					return ""
				}
				return "none"
			})
		}
	}
	before := map[string]int{}
	for _, n := range names {
		before[n] = len(notes(d.t, d.path(n+".log")))
	}
	never(d.t, why, calm, func() string {
		for _, n := range names {
			if all := notes(d.t, d.path(n+".log")); len(all) != before[n] {
				return fmt.Sprintf("%s was touched: %v", n, all[before[n]:])
			}
		}
		return ""
	})
}

// witnessesOf finds the processes that write into a log, whatever supd calls their service.
func witnessesOf(log string) (pids []int) {
	all, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range all {
		argv, _ := os.ReadFile(path)
		if strings.Contains(string(argv), "\x00witness\x00-log\x00"+log+"\x00") {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			pids = append(pids, pid)
		}
	}
	return pids
}

// shoot sends a signal to a service from outside.
func (d *daemon) shoot(name string, s syscall.Signal) (pid int) {
	d.t.Helper()
	pid = d.status(name).PID
	if pid == 0 {
		d.t.Fatalf("%s does not run", name)
	}
	d.noticed(name, pid)
	if err := syscall.Kill(pid, s); err != nil {
		d.t.Fatal(err)
	}
	return pid
}

// alive says whether a process runs; a zombie does not, once its last thread has ended.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	rest := string(stat[strings.LastIndexByte(string(stat), ')')+1:])
	if !strings.HasPrefix(strings.TrimSpace(rest), "Z") {
		return true
	}
	threads, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	return len(threads) > 1
}

// event is one line of the record.
type event struct {
	Type, Service, Severity, Text string
	Fields                        map[string]string
}

// events are those of a service ("" for all) and type in the record, which is written a moment after things happen.
func (d *daemon) events(service, kind string) (found []event) {
	d.t.Helper()
	args := []string{"events", "--type", kind}
	if service != "" {
		args = append(args, "--service", service)
	}
	var reply struct{ Events []event }
	d.decode(&reply, args...)
	return reply.Events
}

// touch makes a file, untouch removes it: how a test tells a witness or a check to change.
func (d *daemon) touch(name string) {
	d.t.Helper()
	if err := os.WriteFile(d.path(name), nil, 0o644); err != nil {
		d.t.Fatal(err)
	}
}

func (d *daemon) untouch(name string) {
	d.t.Helper()
	if err := os.Remove(d.path(name)); err != nil {
		d.t.Fatal(err)
	}
}

// lastPID is the process of the newest start.
func (d *daemon) lastPID(name string) int {
	d.t.Helper()
	all := d.starts(name)
	if len(all) == 0 {
		d.t.Fatalf("%s was never started", name)
	}
	return all[len(all)-1].PID
}
