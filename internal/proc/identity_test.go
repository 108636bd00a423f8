package proc

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

func TestIdentityMismatchIsNeverSignalled(t *testing.T) {
	table := newTable(t)
	k := shell(t, table, "read x")
	id := k.Identity()
	for _, c := range []struct {
		name   string
		change func(*Identity)
		want   error
	}{
		{"other start time", func(i *Identity) { i.StartTime-- }, ErrNotSame},
		{"other boot", func(i *Identity) { i.BootID = "0" }, ErrNotSame},
		{"other pidfs inode", func(i *Identity) { i.PidfsInode++ }, ErrNotSame},
		{"no pid", func(i *Identity) { i.PID = 0 }, ErrNotSame},
		{"own process group", func(i *Identity) { i.PID = -1 }, ErrNotSame},
	} {
		t.Run(c.name, func(t *testing.T) {
			wrong := id
			c.change(&wrong)
			if id.PidfsInode == 0 && wrong.PidfsInode != 0 {
				t.Skip("no pidfs on this kernel")
			}
			if _, err := table.Open(wrong); !errors.Is(err, c.want) {
				t.Errorf("Open: %v, want %v", err, c.want)
			}
			if err := SignalIdentity(wrong, unix.SIGKILL); !errors.Is(err, c.want) {
				t.Errorf("SignalIdentity: %v, want %v", err, c.want)
			}
			if lives, _ := wrong.Lives(); lives {
				t.Error("it lives")
			}
		})
	}
	if !k.Alive() {
		t.Fatal("the process was hit")
	}
}

// The kernel is made to give the same pid again; neither the old Process nor the old
// Identity reach its new owner.
func TestRecycledPidIsNeverHit(t *testing.T) {
	table := newTable(t)
	old := shell(t, table, "read x")
	pid := old.PID()
	sampler, err := NewSampler(old.Identity())
	must(t, err)
	defer sampler.Close()
	old.in.Close()
	ended(t, old.Process)

	var heir *kid
	for range 200 {
		if err := os.WriteFile("/proc/sys/kernel/ns_last_pid", fmt.Append(nil, pid-1), 0); err != nil {
			t.Skipf("the kernel does not let us choose a pid: %v", err)
		}
		if k := shell(t, table, "read x"); k.PID() == pid {
			heir = k
			break
		}
	}
	if heir == nil {
		t.Skip("another process took the pid each time")
	}
	if heir.Identity().StartTime == old.Identity().StartTime && heir.Identity().PidfsInode == 0 {
		t.Skip("same clock tick and no pidfs: these two cannot be told apart")
	}
	if err := old.Signal(unix.SIGKILL); !errors.Is(err, ErrGone) {
		t.Errorf("old Process: %v", err)
	}
	if err := SignalIdentity(old.Identity(), unix.SIGKILL); !errors.Is(err, ErrNotSame) {
		t.Errorf("old identity: %v", err)
	}
	if err := old.SignalGroup(unix.SIGKILL); !errors.Is(err, ErrGone) {
		t.Errorf("old group: %v", err)
	}
	if _, err := table.Open(old.Identity()); !errors.Is(err, ErrNotSame) {
		t.Errorf("Open: %v", err)
	}
	if _, err := sampler.Sample(); !errors.Is(err, ErrGone) {
		t.Errorf("the old sampler reads the new process: %v", err)
	}
	if !heir.Alive() {
		t.Fatal("the heir of the pid was hit")
	}
}

func TestIdentifySelf(t *testing.T) {
	id, err := Identify(os.Getpid())
	must(t, err)
	if lives, err := id.Lives(); !lives || err != nil {
		t.Errorf("I do not live: %v", err)
	}
	if _, err := Identify(1 << 22); !errors.Is(err, ErrGone) {
		t.Errorf("a pid beyond pid_max: %v", err)
	}
}
