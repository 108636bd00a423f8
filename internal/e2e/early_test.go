package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
)

// Asked while it starts, supd said that it had no services and that all was well.
func TestStatusIsNotAnsweredBeforeTheServicesAreKnown(t *testing.T) {
	t.Parallel()
	const n = 300
	text := quick
	for i := range n {
		text += fmt.Sprintf("\n[service.s%d]\ncommand = [\"sleep\", \"1000\"]\nautostart = false\n", i)
	}
	d := newDaemon(t, text)
	c := http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(context.Context, string, string) (net.Conn, error) {
		return net.Dial("unix", d.path("run/supd.sock"))
	}}}
	for range 3 {
		d.begin()
		var answer *http.Response
		for answer == nil { // no pause: the first moment is what counts
			answer, _ = c.Get("http://supd/v1/status")
			select {
			case <-d.gone:
				t.Fatalf("supd ended: %s", d.log())
			default:
			}
		}
		var reply struct{ Services []serviceStatus }
		err := json.NewDecoder(answer.Body).Decode(&reply)
		answer.Body.Close()
		if err != nil || len(reply.Services) != n {
			t.Fatalf("the first answer has %d services, want %d: %v", len(reply.Services), n, err)
		}
		d.kill9()
	}
}

// After an upgrade in place supd never said that it was ready, so systemd's watchdog would have killed it.
func TestReadyIsToldAgainAfterAnUpgrade(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("db", "")+service("idle", "autostart = false\n"))
	d.up("db")
	for n := 2; n < 4; n++ {
		d.signal(syscall.SIGUSR2)
		eventually(t, "ready", func() string {
			if got := strings.Count(d.log(), "msg=ready"); got < n {
				return fmt.Sprintf("told %d times, want %d", got, n)
			}
			return ""
		})
	}
}
