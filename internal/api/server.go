package api

import (
	"context"
	"log/slog"
	"net"
)

// ServerOptions of the unix socket's server.
type ServerOptions struct {
	Backend Backend
	Roles   func() Roles // asked at every request, so that a reload changes it
	Log     *slog.Logger // nil: discarded
}

// Server answers on the unix socket.
type Server struct{}

// NewServer makes a server; Serve starts it.
func NewServer(o ServerOptions) *Server { panic("api") }

// Listen makes the socket at path, mode 0666. A socket left behind by a dead
// daemon is replaced, one that a living daemon answers on never is: that is
// *SocketInUseError. The directory must exist.
func Listen(path string) (*net.UnixListener, error) { panic("api") }

// Serve answers until Shutdown or Close; l may also come from an inherited
// descriptor (upgrade in place). It returns nil after Shutdown.
func (s *Server) Serve(l *net.UnixListener) error { panic("api") }

// Shutdown stops accepting, ends followers and long waits, lets short requests
// finish until ctx ends, and then closes what is left.
func (s *Server) Shutdown(ctx context.Context) error { panic("api") }
