package core

import (
	"strings"
	"testing"
	"time"
)

// report is a job as configs makes one: by hand or by its schedule, and not retried.
func report(needs ...string) Spec {
	sp := svc("report", needs...)
	sp.Oneshot, sp.Autostart, sp.Policy = true, false, Never
	return sp
}

func ended(code int) Exit { return Exit{Known: true, Code: code} }

func TestJobRunsWhenItsTimeComes(t *testing.T) {
	l := newLab(t, report())
	l.phase("report", Down, WantDown)
	l.take()
	l.send(Due{"report"})
	l.want("start report auto", "service.starting report")
	l.exit("report", ended(0))
	l.want("service.done report")
	l.send(Due{"report"})
	l.want("start report auto", "service.starting report")
	l.exit("report", ended(0))
	l.phase("report", Done, WantUp)
}

func TestJobThatStillRunsIsNotStartedTwice(t *testing.T) {
	l := newLab(t, report())
	l.send(Due{"report"})
	l.take()
	l.send(Due{"report"})
	l.want("job.skipped report")
	l.exit("report", ended(0))
	l.want("service.done report") // and nothing is made up for
	if n := l.st.Services["report"].Skipped; n != 1 {
		t.Errorf("%d runs skipped", n)
	}
}

func TestFailedJobWaitsForItsNextRun(t *testing.T) {
	l := newLab(t, report())
	l.send(Due{"report"})
	l.take()
	l.exit("report", ended(3))
	l.want("service.crashed report", "service.failed report")
	l.phase("report", Failed, WantUp)
	l.pass(time.Hour)
	l.want()
	l.send(Due{"report"})
	l.want("start report auto", "service.starting report")
}

func TestJobThatIsRetried(t *testing.T) {
	sp := report()
	sp.Policy, sp.Backoff = OnFailure, BackoffRule{First: time.Minute, Then: time.Minute, Max: time.Hour, Factor: 2}
	l := newLab(t, sp)
	l.send(Due{"report"})
	l.take()
	l.exit("report", ended(3))
	l.phase("report", Backoff, WantUp)
	l.take()
	l.send(Due{"report"}) // the next run takes the place of the retry
	l.want("start report auto", "service.starting report")
}

// The point of it all: nothing runs under a lock, and a release makes up for nothing.
func TestJobUnderALockNeverRuns(t *testing.T) {
	for _, before := range []string{"never run", "done", "failed"} {
		t.Run(before, func(t *testing.T) {
			l := newLab(t, report())
			switch before {
			case "done":
				l.send(Due{"report"})
				l.exit("report", ended(0))
			case "failed":
				l.send(Due{"report"})
				l.exit("report", ended(1))
			}
			phase := l.st.Services["report"].Phase
			l.lock("report", "alice")
			l.take()
			l.send(Due{"report"})
			l.send(Due{"report"})
			l.want("action.suppressed report", "action.suppressed report")
			if got := l.st.Services["report"].Phase; got != phase {
				t.Errorf("phase %s, was %s", got, phase)
			}
			l.release("report")
			l.pass(time.Hour)
			if got := l.take(); strings.Contains(got, "start") {
				t.Errorf("after the release:\n%s", got)
			}
			l.send(Due{"report"})
			l.want("start report auto", "service.starting report")
		})
	}
}

// A job that runs when its lock is taken and fails under it is not run again by the release.
func TestJobThatFailsUnderALock(t *testing.T) {
	l := newLab(t, report())
	l.send(Due{"report"})
	l.lock("report", "alice")
	l.exit("report", ended(1))
	l.take()
	l.release("report")
	l.pass(time.Hour)
	if got := l.take(); strings.Contains(got, "start") {
		t.Errorf("after the release:\n%s", got)
	}
}

func TestStoppedJobIsHeldUntilSomebodyStartsIt(t *testing.T) {
	l := newLab(t, report())
	l.ask(1, Stop, "report", "bob")
	l.take()
	l.send(Due{"report"})
	l.want("action.suppressed report")
	l.ask(2, Start, "report", "bob")
	l.exit("report", ended(0))
	l.take()
	l.send(Due{"report"})
	l.want("start report auto", "service.starting report")
}

func TestJobStartsWhatItNeeds(t *testing.T) {
	db := svc("db")
	db.Autostart = false
	l := newLab(t, db, report("db"))
	l.take()
	l.send(Due{"report"})
	if got := l.take(); !strings.Contains(got, "start db auto") || strings.Index(got, "start db auto") > strings.Index(got, "start report auto") {
		t.Errorf("got\n%s", got)
	}
}

// A lock on what the job needs: it is left out, and does not run when that lock goes.
func TestJobWhosePrerequisiteIsLocked(t *testing.T) {
	db := svc("db")
	db.Autostart = false
	l := newLab(t, db, report("db"))
	l.lock("db", "alice")
	l.take()
	l.send(Due{"report"})
	l.want("job.skipped report")
	l.release("db")
	l.pass(time.Hour)
	if got := l.take(); strings.Contains(got, "start report") {
		t.Errorf("after the release:\n%s", got)
	}
}

// A time that came while it was a job is not a wish to have the service up that it is by now.
func TestJobThatBecomesAServiceIsNotStartedForItsTime(t *testing.T) {
	db := svc("db")
	db.Autostart, db.Ready = false, ReadyRule{Mode: ReadyNotify}
	l := newLab(t, db, report("db"))
	l.take()
	l.send(Due{"report"})
	l.want("start db auto", "service.starting db")
	service := report("db")
	service.Oneshot = false
	l.send(Configure{Spec: service, PlanGen: 1})
	l.send(Ready{Service: "db", Gen: l.st.Services["db"].Gen})
	l.want("service.up db")
	l.phase("report", Down, WantDown)
}

func TestDueIsForJobs(t *testing.T) {
	l := newLab(t, svc("db"))
	l.take()
	l.send(Due{"db"})
	l.send(Due{"nobody"})
	l.want()
}
