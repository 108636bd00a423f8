package hands

import (
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/supd/supd/internal/proc"
	"github.com/supd/supd/internal/socket"
	"github.com/supd/supd/lockfile"
)

// fdListen is the first socket in a service (SD_LISTEN_FDS_START, sd_listen_fds(3)).
const fdListen = 3

// sockets are the listening sockets of services. They stay open while nothing of a
// service runs between two instances of it: who connects then waits.
type sockets struct {
	mu sync.Mutex
	of map[string][]int
}

// open gives descriptors for all addresses, in their order: those that are open already,
// and new ones. What the service has open besides is closed. fresh are the new ones; if
// one address cannot be had, they are closed again. Called with the service's permit.
func (k *sockets) open(service string, addresses []socket.Address, owner socket.Owner) (fds, fresh []int, err error) {
	k.mu.Lock()
	had := k.of[service]
	k.mu.Unlock()
	fds = make([]int, len(addresses))
	for i, a := range addresses {
		fds[i] = -1
		if at := slices.IndexFunc(had, func(fd int) bool { return socket.Is(fd, a) }); at >= 0 {
			fds[i] = had[at]
		}
	}
	var kept []int
	for _, fd := range had {
		if slices.Contains(fds, fd) {
			kept = append(kept, fd)
		} else {
			socket.Close(fd) // before others are opened: it may be in their way
		}
	}
	for i, a := range addresses {
		if fds[i] >= 0 {
			// The service may have changed it; systemd hands them on blocking (NonBlocking= in systemd.service(5)).
			if err = unix.SetNonblock(fds[i], false); err == nil {
				continue
			}
		} else if fds[i], err = socket.Open(a, owner); err == nil {
			fresh = append(fresh, fds[i])
			continue
		}
		for _, fd := range fresh {
			socket.Close(fd)
		}
		k.set(service, kept)
		return nil, nil, err
	}
	k.set(service, slices.Clone(fds))
	return fds, fresh, nil
}

// drop closes these of the service's.
func (k *sockets) drop(service string, fds []int) {
	k.mu.Lock()
	rest := slices.DeleteFunc(slices.Clone(k.of[service]), func(fd int) bool { return slices.Contains(fds, fd) })
	k.mu.Unlock()
	k.set(service, rest)
	for _, fd := range fds {
		socket.Close(fd)
	}
}

func (k *sockets) set(service string, fds []int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.of == nil {
		k.of = map[string][]int{}
	}
	if len(fds) == 0 {
		delete(k.of, service)
		return
	}
	k.of[service] = fds
}

// Listens says whether sockets of the service are open.
func (h *Hands) Listens(service string) bool {
	h.sockets.mu.Lock()
	defer h.sockets.mu.Unlock()
	return len(h.sockets.of[service]) > 0
}

// CloseSockets closes the service's sockets: who connects is refused from now on. The
// permit has to cover stop.
func (h *Hands) CloseSockets(p *lockfile.Permit, service string) error {
	if err := p.Check(service, lockfile.VerbStop); err != nil {
		return err
	}
	h.sockets.mu.Lock()
	fds := h.sockets.of[service]
	delete(h.sockets.of, service)
	h.sockets.mu.Unlock()
	for _, fd := range fds {
		socket.Close(fd)
	}
	return nil
}

// TakeSockets has the sockets back that an earlier supd gave to a running service:
// copies of what it listens on, as far as they are wanted. Nothing of the service is
// changed, so no permit is asked for. An error: those are opened anew by its next start,
// once it has ended.
func (h *Hands) TakeSockets(service string, p *proc.Process, wanted []socket.Address) error {
	if len(wanted) == 0 || h.Listens(service) {
		return nil
	}
	missing := slices.Clone(wanted)
	var taken []int
	err := p.Sockets(func(fd int) (keep bool) {
		at := slices.IndexFunc(missing, func(a socket.Address) bool { return socket.Is(fd, a) })
		if at >= 0 {
			missing = slices.Delete(missing, at, at+1)
			taken = append(taken, fd)
		}
		return at >= 0
	})
	h.sockets.set(service, taken)
	return err
}

// KeepSockets are the descriptors that go along when another program is executed in this
// process, by service.
func (h *Hands) KeepSockets() map[string][]int {
	h.sockets.mu.Lock()
	defer h.sockets.mu.Unlock()
	return h.sockets.of
}

// InheritSocket takes one that the program before kept.
func (h *Hands) InheritSocket(service string, fd int) {
	h.sockets.mu.Lock()
	had := h.sockets.of[service]
	h.sockets.mu.Unlock()
	h.sockets.set(service, append(slices.Clone(had), fd))
}

// listenNames is LISTEN_FDNAMES.
func listenNames(addresses []socket.Address) string {
	names := make([]string, len(addresses))
	for i, a := range addresses {
		names[i] = a.Name()
	}
	return strings.Join(names, ":")
}

// owner is who a unix socket of the service belongs to.
func (s *Spec) owner() socket.Owner {
	if s.User == nil {
		return socket.Owner{UID: -1, GID: -1}
	}
	return socket.Owner{UID: int(s.User.UID), GID: int(s.User.GID)}
}
