package configs

import (
	"github.com/supd/supd/internal/socket"
)

// listenMax bounds the sockets of one service: descriptors are limited.
const listenMax = 64

// Addresses are what Listen says, in its order. For services of a Plan, whose texts are
// all right.
func (s *Service) Addresses() []socket.Address {
	list := make([]socket.Address, 0, len(s.Listen))
	for _, text := range s.Listen {
		if a, err := socket.Parse(text); err == nil {
			list = append(list, a)
		}
	}
	return list
}

// validateListen judges the addresses by themselves; those of others are judged by
// listens.
func (s *Service) validateListen(c *collector, p place) {
	at := p.key("listen")
	for i, text := range s.Listen {
		if _, err := socket.Parse(text); err != nil {
			c.add(at.element(i), "%s", err)
		}
	}
	if len(s.Listen) > listenMax {
		c.add(at, "has %d addresses; there can be %d", len(s.Listen), listenMax)
	}
	if s.Oneshot && len(s.Listen) > 0 {
		c.add(at, "contradicts oneshot: nobody would answer between two runs of a job")
	}
}

// listener is one address and whose it is.
type listener struct {
	socket.Address
	service string
}

// listens judges all addresses against each other: only one service can have each.
func (b *builder) listens() {
	taken := map[listenPlace][]listener{}
	for _, name := range sortedKeys(b.plan.Services) {
		s := b.plan.Services[name]
		for i, a := range s.Addresses() {
			where := listenPlace{a.Network, a.Port, a.Path}
			for _, other := range taken[where] {
				if !a.Conflicts(other.Address) {
					continue
				}
				at := b.first[joinKey("service", orItself(s.InstanceOf, name))].key("listen").element(i)
				switch {
				case other.service == name:
					b.c.add(at, "has %s and %s, which cannot both be open", other, a)
				case s.InstanceOf != "":
					b.c.add(at, "gives %s to %s and %s; write ${instance} into it, such as \"tcp:127.0.0.1:808${instance}\"", a, other.service, name)
				default:
					b.c.add(at, "has %s, and service %q has %s already", a, other.service, other)
				}
				break
			}
			taken[where] = append(taken[where], listener{a, name})
		}
	}
}

// listenPlace is what two addresses have in common that could conflict.
type listenPlace struct {
	network string
	port    uint16
	path    string
}

func orItself(name, itself string) string {
	if name == "" {
		return itself
	}
	return name
}
