// Package stray recognises a service in a process that supd did not start: the same program with the same arguments, or
// whoever listens where nobody may. It looks and never acts.
//
// Two degrees: Same is the service's own command line; Alike is its program with everything that tells this service from
// others run by that program (files, ports, names), and something else besides: `nginx -t` is alike as well, so what is only
// alike counts when it has lived for a moment.
package stray
