package checks

import (
	"context"
	"errors"
	"fmt"
	"time"
)

func init() {
	Register(Kind{
		Name: "tcp",
		Doc: `Connects to HOST:PORT or to a stream socket unix:/PATH. With send, sends that text. With expect or expect_regex, ` +
			`reads until it is found, at most 1M. Without either, a connection is enough.`,
		Example: `address = "127.0.0.1:6379"
send = "PING\r\n"
expect = "+PONG"
every = "10s"
timeout = "3s"
fail_after = 3
`,
		Values:    []Term{{Name: "response_time", Unit: UnitSeconds, Doc: "from the start of the connection to the end of the expected answer"}},
		New:       func() Config { return &TCP{} },
		Configure: func(o *Options) { o.FailAfter.Count = networkFailAfter },
	})
}

// networkFailAfter is fail_after of the checks that talk to a peer: one lost packet is no failure.
const networkFailAfter = 3

// TCP is the table of a check of type tcp.
type TCP struct {
	Address     string `toml:"address"`
	Send        string `toml:"send"`
	Expect      string `toml:"expect"`       // a text in the answer
	ExpectRegex string `toml:"expect_regex"` // found in the answer
}

// Validate is Config's.
func (c *TCP) Validate() error {
	var found []error
	if c.Address == "" {
		found = append(found, badKey("address", `is missing; write "HOST:PORT" or "unix:/PATH"`))
	} else if _, err := parseAddress(c.Address); err != nil {
		found = append(found, badKey("address", "%s", err))
	}
	return errors.Join(append(found, validRegex("expect_regex", c.ExpectRegex))...)
}

// Make is Config's.
func (c *TCP) Make() Check {
	a, _ := parseAddress(c.Address) // judged by Validate
	return &tcpCheck{address: a, send: []byte(c.Send), want: newPattern(c.Expect, c.ExpectRegex)}
}

// tcpCheck is a TCP made ready.
type tcpCheck struct {
	address address
	send    []byte
	want    pattern
}

// Run is Check's.
func (c *tcpCheck) Run(ctx context.Context, _ Env) Result {
	begin := time.Now()
	conn, err := dial(ctx, c.address)
	if err != nil {
		return failed(ctx, begin, "connect to "+c.address.String(), err)
	}
	defer conn.Close()
	if len(c.send) > 0 {
		if _, err := conn.Write(c.send); err != nil {
			return failed(ctx, begin, "send to "+c.address.String(), err)
		}
	}
	said := "accepts connections"
	if !c.want.empty() {
		got, ok, err := collect(conn, c.want)
		if !ok {
			return c.noMatch(ctx, begin, got, err)
		}
		said = "answers as expected"
	}
	took := Seconds(time.Since(begin))
	return Pass("%s %s, in %s", c.address, said, took).With("response_time", took)
}

// noMatch says why the expected answer did not come.
func (c *tcpCheck) noMatch(ctx context.Context, begin time.Time, got []byte, err error) Result {
	switch {
	case err == nil && len(got) == 0:
		return Fail("%s closes the connection without an answer, want %s", c.address, c.want)
	// It said something else, or never came to the point.
	case err == nil || errors.Is(err, errTooLong):
		return Fail("%s: %s", c.address, unmet("the answer", c.want, got))
	}
	doing := "get an answer from " + c.address.String()
	if len(got) > 0 {
		doing = fmt.Sprintf("get the rest of the answer %s from %s (want %s)", excerpt(got), c.address, c.want)
	}
	return failed(ctx, begin, doing, err)
}
