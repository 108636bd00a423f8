// Package socket is the listening sockets that supd keeps for services: how their
// addresses are written, how they are opened, and how one that is open is known again.
// Which service has them, and when, is decided in internal/hands.
package socket
