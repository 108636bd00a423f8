package e2e

import (
	"net"
	"net/http"
	"strings"
	"testing"
)

// Somebody else has the address of the metrics: services are started and supervised all the same, status says what is
// missing, and an upgrade brings it back.
func TestFaultMetricsAddressTaken(t *testing.T) {
	t.Parallel()
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := other.Addr().String()
	d := started(t, quick+"[api]\nlisten = \""+address+"\"\n"+service(healthy, ""))
	before := d.up(healthy)
	if p := d.problems(); !strings.Contains(p, "no metrics") || !strings.Contains(p, "supctl upgrade") {
		t.Errorf("status says %q", p)
	}
	other.Close()
	if r := d.ctl("upgrade"); r.Code != 0 {
		t.Fatalf("upgrade: %+v", r)
	}
	if after := d.up(healthy); after[0] != before[0] {
		t.Errorf("the service's pid was %d, is %d", before[0], after[0])
	}
	answer, err := http.Get("http://" + address + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if p := d.problems(); answer.StatusCode != http.StatusOK || p != "" {
		t.Errorf("healthz says %s, status %q", answer.Status, p)
	}
}
