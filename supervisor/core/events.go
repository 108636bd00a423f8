package core

// The types of events that the core emits.
const (
	EvUp               = "service.up"                 // ready; fields gen, pid
	EvAdopted          = "service.adopted"            // found running; fields gen, pid
	EvStarting         = "service.starting"           // a process was started; fields gen, pid, by, reason
	EvStopped          = "service.stopped"            // stopped by supd on somebody's word
	EvCrashed          = "service.crashed"            // fields exit, code, signal
	EvDone             = "service.done"               // a oneshot ended well
	EvJobSkipped       = "job.skipped"                // the time of a job came while it ran, or while it could not; field reason
	EvOperatorStop     = "service.operator_stop"      // a deliberate stop that supd did not make; held
	EvStartedUnderLock = "service.started_under_lock" // came up by another hand while locked
	EvFailed           = "service.failed"             // given up: limit or policy
	EvCrashLoop        = "service.crash_loop"         // reached the longest back-off
	EvNotReady         = "service.not_ready"          // readiness timed out
	EvWatchdog         = "service.watchdog"           // no sign of life in time, or it says itself that it is out of order; fields gen, pid, under ("lock" where nothing follows)
	EvExplained        = "service.explained"          // a failure explained by a prerequisite
	EvReleased         = "service.released"           // looked at afresh after a release
	EvUnreadable       = "service.unreadable"         // lock state cannot be read
	EvInterlocked      = "service.interlocked"
	EvInterlockOff     = "service.interlock_off"
	EvCheckFailed      = "check.failed"    // fields check, on_fail, under ("lock", "settle", "explained") where nothing follows
	EvCheckRecovered   = "check.recovered" // fields check
	EvSuppressed       = "action.suppressed"
	EvActionFailed     = "action.failed"
	EvActionDone       = "action.done" // reload, signal, exec
	EvWould            = "would."      // + verb, in observe mode
	EvLeftRunning      = "shutdown.left_running"
	EvShutdownLate     = "shutdown.late"
	EvInvariant        = "core.invariant" // a wall inside the core held back an action that must not be
)
