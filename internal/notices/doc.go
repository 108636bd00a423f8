// Package notices is what a person has to be told of their locks: broken or taken over by somebody, offered to them, overdue.
//
// Nothing keeps a list of it: it is read from the locks and the tombstones, so it outlives the daemon and comes of what was done
// without it as well. Only what was told already is a file, STATE/told/PERSON, one key a line:
// every session that was there is told, as two people may share an account, and else whoever comes first. Losing it tells something twice.
package notices
