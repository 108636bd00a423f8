package e2e

import (
	"context"
	"net"
	"syscall"
	"testing"

	"github.com/supd/supd/lockfile"
)

// What supd does by itself, it does as nobody's owner: a lock of somebody whose numbers are all zero (root, logged in as
// root, with no session) keeps the sockets of a service open that is stopped under it by another hand.
func TestListenUnderTheLockOfAnOwnerWhoseNumbersAreZero(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	d := started(t, quick+listening("web", `["tcp:`+port+`"]`, ""))
	d.up("web")
	dir, err := lockfile.Open(d.path("state"), lockfile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = dir.Lock(context.Background(), lockfile.LockRequest{
		IDs: []string{lockfile.NewID()}, Targets: []lockfile.Target{lockfile.ServiceTarget("web")}, Owner: lockfile.Owner{Name: "root"},
	})
	if err != nil {
		t.Fatal(err)
	}
	d.waitHold("web", "lock")
	d.shoot("web", syscall.SIGTERM)
	d.waitHold("web", "operator-stop")
	never(t, "closed under the lock", calm, func() string {
		c, err := net.Dial("tcp", port)
		if err != nil {
			return err.Error()
		}
		c.Close()
		return ""
	})
}
