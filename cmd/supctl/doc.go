// Program supctl is how people and scripts talk to supd: status, actions, and
// maintenance locks, which it takes itself when no daemon answers.
//
//	command line ─► cobra ─► command ─► ask ─► api.Client ─► supd
//	                            │         └── no answer: exit code 9
//	                            │
//	              maintenance ──┴─► daemon first; not there, silent for two
//	                                seconds, or gone half-way:
//	                                  direct ─► package lockfile ─► files
//
// # One lock, whoever writes it
//
// supctl chooses the id of a lock before it asks anybody. A daemon that takes
// the request on and dies, or hangs and wakes up an hour later, and supctl that
// meanwhile did the same steps itself, make one lock: the id is the file's name,
// and an id that has ended never rises again. For the same reason everything
// that changes a lock goes by id and never by target.
//
// # What goes where
//
// Answers go to standard output, as a table or as one JSON document (one per
// line where something is followed). Errors, hints and progress go to standard
// error; with -o json an error is {"error":{"code","message","next"}}. Every
// error says what to do next. Exit codes are those of package api.
//
// Text that comes from elsewhere (reasons, names, log lines) goes through clean
// before it is shown: who writes a reason must not write on others' terminals.
//
// # Files
//
// One file for each command or family. A command is declared (texts, flags,
// examples) at the top of its file and does its work below; direct*.go are the
// counterparts of the daemon's methods of the same name. There is no state
// outside app, which is one run.
package main
