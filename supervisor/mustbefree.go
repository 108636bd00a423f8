package supervisor

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"
)

// freeWait bounds the knock at one address. A service that is down refuses at once; one that hangs is not free.
const freeWait = 2 * time.Second

// stillTaken says which of the addresses that must be free when a service is down still have somebody who answers: a second
// instance, a process outside supd's sight. Addresses are "tcp:HOST:PORT" and "unix:/PATH", as config judged them.
func stillTaken(ctx context.Context, service string, addresses []string) []string {
	var taken []string
	for _, a := range addresses {
		network, address, _ := strings.Cut(a, ":")
		ctx, cancel := context.WithTimeout(ctx, freeWait)
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		late := ctx.Err() != nil
		cancel()
		switch {
		case err == nil:
			conn.Close()
			taken = append(taken, fmt.Sprintf("%q is stopped, but somebody still answers on %s", service, a))
		case late:
			taken = append(taken, fmt.Sprintf("%q is stopped, but %s neither answers nor refuses within %v", service, a, freeWait))
		}
	}
	return taken
}
