package main

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/internal/proc"
)

// lifeWait bounds the look at every process that there is.
const lifeWait = 2 * time.Second

// lifeOf is what shows that the work under a lock goes on, in words. The daemon sees all processes, and supctl perhaps only its
// caller's own.
func (a *app) lifeOf(ctx context.Context, l api.Lock, why error) (api.Life, error) {
	return either(a, why, "look at lock "+l.ID,
		func(c *api.Client, _ api.Progress) (api.Life, error) { return c.LockLife(ctx, l.ID) },
		func(d *direct, _ api.Progress) (api.Life, error) { return d.life(l), nil })
}

// life looks without the daemon. What hangs in the kernel hangs only the look.
func (d *direct) life(l api.Lock) api.Life {
	others, dirs := []int{os.Getpid()}, []string(nil)
	plan, _ := d.whole()
	for _, name := range l.Members {
		if plan != nil && plan.Services[name] != nil {
			dirs = append(dirs, plan.Services[name].Directories()...)
		}
		if n, err := (proc.Notes{Dir: filepath.Join(d.runDir, "proc")}).Read(name); err == nil && d.runDir != "" {
			others = append(others, n.Process.PID)
		}
	}
	view, until := d.view(), time.Now().Add(lifeWait)
	looked := make(chan api.Life, 1)
	go func() {
		for _, file := range d.dir.Locks().Locks {
			if file.ID == l.ID {
				looked <- view.Life(file, dirs, others, until)
				return
			}
		}
		looked <- api.Life{Signs: []string{}}
	}()
	select {
	case life := <-looked:
		return life
	case <-time.After(lifeWait):
		return api.Life{Signs: []string{}}
	}
}

// tellLife says what shows that somebody is still at work under a lock.
func (a *app) tellLife(life api.Life, err error) {
	for _, sign := range life.Signs {
		a.note("  %s", clean(sign))
	}
	switch {
	case err != nil:
		a.note("  whether somebody is still at work cannot be told: %s", clean(err.Error()))
	case len(life.Signs) > 0:
		a.note("  ask them first")
	case !life.Complete:
		a.note("  not every process could be looked at: somebody may still be at work")
	}
}
