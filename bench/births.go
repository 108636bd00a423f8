package main

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"time"
)

// birth is what a service said of its beginning.
type birth struct {
	name string
	pid  int
	at   int64 // CLOCK_MONOTONIC, ns
}

// births receives what services say.
type births struct {
	path string
	conn *net.UnixConn
}

// birthWait is how long a service that has to come is waited for.
const birthWait = 30 * time.Second

func listenBirths(dir string) (*births, error) {
	path := filepath.Join(dir, "births")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return nil, err
	}
	if err := c.SetReadBuffer(4 << 20); err != nil {
		return nil, err
	}
	return &births{path, c}, nil
}

func (b *births) next() (birth, error) {
	buf := make([]byte, 256)
	if err := b.conn.SetReadDeadline(time.Now().Add(birthWait)); err != nil {
		return birth{}, err
	}
	n, err := b.conn.Read(buf)
	if err != nil {
		return birth{}, fmt.Errorf("no service came up within %v: %w", birthWait, err)
	}
	var v birth
	if _, err := fmt.Fscan(strings.NewReader(string(buf[:n])), &v.name, &v.pid, &v.at); err != nil {
		return birth{}, fmt.Errorf("cannot read %q: %w", buf[:n], err)
	}
	return v, nil
}

// take waits for n births, one per name, and gives them by name.
func (b *births) take(n int) (map[string]birth, error) {
	got := map[string]birth{}
	for len(got) < n {
		v, err := b.next()
		if err != nil {
			return got, err
		}
		if _, twice := got[v.name]; twice {
			return got, errors.New(v.name + " was started twice")
		}
		got[v.name] = v
	}
	return got, nil
}

func (b *births) close() { b.conn.Close() }
