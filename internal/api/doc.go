// Package api is how programs talk to supd: HTTP/1.1 and JSON on RUN/supd.sock.
// supctl uses nothing else while the daemon answers.
//
//	supctl ── Client ──► unix socket ──► Server ──► Backend (package supervisor)
//	                          │             │
//	                     peer identity   role, limits, decoding, errors
//
// The routes and their wire types stand in one table (routes.go);
// docs/openapi.json is held against it by a test. Times are RFC 3339 with zone,
// durations are seconds (fields ending in _s), exit codes are those of supctl.
//
// # Errors
//
// Every answer that is not a success is {"error":{"code","message","next"}}:
// the exit code of supctl, what is wrong, and what to do next ("" if nothing).
//
// # Long calls
//
// start, stop, wait, maintenance and the like answer as lines of JSON: at once
// {"accepted":true}, then any number of {"progress":"…"}, at last either
// {"result":{…}} or {"error":{…}}. A client that sees no first line for
// FirstLine may take the daemon for hung. A request whose client has gone
// before it was accepted is not executed: a daemon that wakes up late must not
// do what somebody has since done by other means.
package api
