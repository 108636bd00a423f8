package proc

import (
	"io"
	"os"
	"time"
)

// pipes are the three streams of one program: [0] reads, [1] writes.
type pipes struct {
	in, out, err [2]*os.File
	stdin        []byte
	readers      [2]chan capture
	limit        int
}

type capture struct {
	kept      []byte
	truncated bool
}

func openPipes(stdin []byte, limit int) (p *pipes, err error) {
	p = &pipes{stdin: stdin, limit: limit}
	defer func() {
		if err != nil {
			p.closeChild()
			p.abandon()
		}
	}()
	if stdin == nil {
		p.in[0], err = os.Open(os.DevNull)
	} else {
		p.in[0], p.in[1], err = os.Pipe()
	}
	if err != nil {
		return nil, err
	}
	if p.out[0], p.out[1], err = os.Pipe(); err != nil {
		return nil, err
	}
	if p.err[0], p.err[1], err = os.Pipe(); err != nil {
		return nil, err
	}
	if p.in[1] != nil {
		go func() {
			_, _ = p.in[1].Write(p.stdin) // it may not want all of it
			p.in[1].Close()
		}()
	}
	for i, r := range []*os.File{p.out[0], p.err[0]} {
		p.readers[i] = make(chan capture, 1)
		go func() { p.readers[i] <- readBounded(r, limit) }()
	}
	return p, nil
}

// readBounded keeps the first limit bytes and reads on, so that the writer never
// blocks.
func readBounded(r io.Reader, limit int) capture {
	kept, err := io.ReadAll(io.LimitReader(r, int64(limit)))
	if err != nil {
		return capture{kept: kept}
	}
	n, _ := io.Copy(io.Discard, r)
	return capture{kept: kept, truncated: n > 0}
}

func (p *pipes) child() []uintptr { return []uintptr{p.in[0].Fd(), p.out[1].Fd(), p.err[1].Fd()} }

func (p *pipes) closeChild() {
	for _, f := range []*os.File{p.in[0], p.out[1], p.err[1]} {
		if f != nil {
			f.Close()
		}
	}
}

// abandon closes supd's ends, which ends the goroutines.
func (p *pipes) abandon() {
	for _, f := range []*os.File{p.in[1], p.out[0], p.err[0]} {
		if f != nil {
			f.Close()
		}
	}
}

// collect waits for the readers, but for a descendant that holds the pipe no longer
// than outputGrace.
func (p *pipes) collect(o *Output) {
	defer p.abandon()
	until := time.Now().Add(outputGrace)
	p.out[0].SetReadDeadline(until)
	p.err[0].SetReadDeadline(until)
	a, b := <-p.readers[0], <-p.readers[1]
	o.Stdout, o.Stderr, o.Truncated = a.kept, b.kept, a.truncated || b.truncated
}
