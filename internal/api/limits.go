package api

import (
	"net"
	"sync"
)

// Limits of connections. A connection is silent until its first request is
// read, and again between requests.
const (
	connsMax       = 512
	connsPerKeyMax = 128 // per uid (or address); silent ones are replaced, busy ones are not
)

// connTable holds the open connections, so that many that say nothing disturb
// nobody: when there is no room, the oldest silent one of whoever has the most
// is closed in favour of the new one.
type connTable struct {
	mu     sync.Mutex
	next   uint64 // order of arrival
	conns  map[*limitedConn]struct{}
	perKey map[string]int
}

// limitedConn is a connection in a table.
type limitedConn struct {
	net.Conn
	table *connTable
	key   string // whom it counts for
	order uint64
	busy  int // requests being answered; table.mu guards it
}

func newConnTable() *connTable {
	return &connTable{conns: map[*limitedConn]struct{}{}, perKey: map[string]int{}}
}

// add takes a connection in, making room if need be; nil means there is none:
// every connection that could go is being answered.
func (t *connTable) add(c net.Conn, key string) *limitedConn {
	t.mu.Lock()
	defer t.mu.Unlock()
	var victim *limitedConn
	switch {
	case t.perKey[key] >= connsPerKeyMax:
		victim = t.oldestSilentLocked(key)
	case len(t.conns) >= connsMax:
		victim = t.oldestSilentLocked(t.mostLocked())
	default:
		return t.insertLocked(c, key)
	}
	if victim == nil {
		return nil
	}
	t.removeLocked(victim)
	_ = victim.Conn.Close()
	return t.insertLocked(c, key)
}

func (t *connTable) insertLocked(c net.Conn, key string) *limitedConn {
	t.next++
	l := &limitedConn{Conn: c, table: t, key: key, order: t.next}
	t.conns[l] = struct{}{}
	t.perKey[key]++
	return l
}

func (t *connTable) removeLocked(l *limitedConn) {
	if _, ok := t.conns[l]; !ok {
		return
	}
	delete(t.conns, l)
	if t.perKey[l.key]--; t.perKey[l.key] == 0 {
		delete(t.perKey, l.key)
	}
}

func (t *connTable) oldestSilentLocked(key string) *limitedConn {
	var oldest *limitedConn
	for l := range t.conns {
		if l.key == key && l.busy == 0 && (oldest == nil || l.order < oldest.order) {
			oldest = l
		}
	}
	return oldest
}

// mostLocked is the key with the most silent connections.
func (t *connTable) mostLocked() string {
	silent, most := map[string]int{}, ""
	for l := range t.conns {
		if l.busy == 0 {
			silent[l.key]++
			if silent[l.key] > silent[most] {
				most = l.key
			}
		}
	}
	return most
}

// closeSilent closes all that are not being answered.
func (t *connTable) closeSilent() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for l := range t.conns {
		if l.busy == 0 {
			t.removeLocked(l)
			_ = l.Conn.Close()
		}
	}
}

// begin marks a request; the returned function marks its end.
func (l *limitedConn) begin() (end func()) {
	l.table.mu.Lock()
	defer l.table.mu.Unlock()
	l.busy++
	return func() {
		l.table.mu.Lock()
		defer l.table.mu.Unlock()
		l.busy--
	}
}

// Close also leaves the table.
func (l *limitedConn) Close() error {
	l.table.mu.Lock()
	l.table.removeLocked(l)
	l.table.mu.Unlock()
	return l.Conn.Close()
}

// CloseWrite lets net/http end a refused request without cutting the answer off.
func (l *limitedConn) CloseWrite() error {
	if c, ok := l.Conn.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return nil
}
