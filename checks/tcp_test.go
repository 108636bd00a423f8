package checks

import (
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestTCP(t *testing.T) {
	pong := peerOn(t, func(conn net.Conn) {
		buf := make([]byte, 64)
		if n, _ := conn.Read(buf); string(buf[:n]) == "PING\r\n" {
			conn.Write([]byte("+PO"))
			conn.Write([]byte("NG\r\n"))
			drain(conn) // keeps the connection open, as a server does
		}
		conn.Write([]byte("-ERR unknown command\r\n"))
	})
	closed := closedPort(t)
	for name, c := range map[string]struct {
		table string
		state State
		parts []string
	}{
		"connects":               {`address = "` + pong + `"`, OK, []string{pong + " accepts connections, in "}},
		"answers":                {`address = "` + pong + `"` + "\nsend = \"PING\\r\\n\"\nexpect = \"+PONG\"", OK, []string{"answers as expected"}},
		"answers by regex":       {`address = "` + pong + `"` + "\nsend = \"PING\\r\\n\"\nexpect_regex = '^\\+P.NG'", OK, nil},
		"answers something else": {`address = "` + pong + `"` + "\nsend = \"HELLO\"\nexpect = \"+PONG\"", Failing, []string{`the answer "-ERR unknown command" has not "+PONG" in it`}},
		"nobody listens":         {`address = "` + closed + `"`, Failing, []string{"cannot connect to " + closed + ": connection refused"}},
		"no such socket":         {`address = "unix:/nonexistent/s"`, Failing, []string{"cannot connect to unix:/nonexistent/s: no such file or directory"}},
		"no such host":           {`address = "name.invalid:80"`, Failing, []string{`cannot connect to name.invalid:80: name "name.invalid":`}},
	} {
		t.Run(name, func(t *testing.T) {
			r := made(t, "tcp", c.table).Run(within(t, 5*time.Second), Env{})
			expectDetail(t, r, c.state, c.parts...)
			if _, ok := r.Values["response_time"]; ok != (c.state == OK) {
				t.Errorf("values are %v", r.Values)
			}
		})
	}
}

func TestTCPOverUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	servedBy(t, l, saying("ready"))
	r := made(t, "tcp", "address = \"unix:"+path+"\"\nsend = \"x\"\nexpect = \"ready\"").Run(within(t, 5*time.Second), Env{})
	expectDetail(t, r, OK, "unix:"+path)
}

func TestBadTCPTables(t *testing.T) {
	for table, want := range map[string]string{
		``:                                     `address is missing; write "HOST:PORT" or "unix:/PATH"`,
		`address = "localhost"`:                `address "localhost" must be "HOST:PORT" or "unix:/PATH"`,
		`address = ":80"`:                      `address ":80" must be "HOST:PORT" or "unix:/PATH"`,
		`address = "h:99999"`:                  `address "h:99999" has no port between 1 and 65535`,
		`address = "unix:s"`:                   `address "unix:s" needs an absolute path behind unix:`,
		"address = 'h:1'\nexpect_regex = '(x'": "expect_regex is no regular expression: missing closing ): `(x`",
	} {
		_, c := decode(t, mustLookup(t, "tcp"), table)
		if got := errText(c.Validate()); got != want {
			t.Errorf("%s:\n got %s\nwant %s", strings.ReplaceAll(table, "\n", "; "), got, want)
		}
	}
}
