package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/supd/supd/internal/several"
	"github.com/supd/supd/internal/who"
)

// Time limits of the server. There is none for answering: a wait takes as long
// as it takes.
const (
	headerReadMax  = 5 * time.Second
	idleMax        = 30 * time.Second
	headerBytesMax = 32 << 10
)

// ServerOptions of the unix socket's server.
type ServerOptions struct {
	Backend Backend
	Roles   func() Roles // asked at every request, so that a reload changes it
	Log     *slog.Logger // nil: discarded
}

// Server answers on the unix socket.
type Server struct {
	o      ServerOptions
	routes []route
	table  *connTable
	http   *http.Server
	stop   context.CancelFunc // ends every request's context
}

// connKey finds the connection in a request's context.
type connKey struct{}

// NewServer makes a server; Serve starts it.
func NewServer(o ServerOptions) *Server {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{o: o, routes: routes(), table: newConnTable()}
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.http = &http.Server{
		Handler:           http.HandlerFunc(s.serve),
		ReadHeaderTimeout: headerReadMax,
		IdleTimeout:       idleMax,
		MaxHeaderBytes:    headerBytesMax,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, &conn{peerConn: c.(*peerConn)})
		},
		// What clients do wrong is told to them; here speaks an accept that fails.
		ErrorLog: slog.NewLogLogger(o.Log.Handler(), slog.LevelWarn),
	}
	return s
}

// Serve answers until Shutdown; l may also come from an inherited descriptor
// (upgrade in place). It returns nil after Shutdown.
func (s *Server) Serve(l *net.UnixListener) error {
	if err := s.http.Serve(&peerListener{l, s.table}); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("cannot answer on %q: %w", l.Addr(), err)
	}
	return nil
}

// Shutdown stops accepting, ends followers and long waits, lets the Backend
// return until ctx ends, and then closes what is left. The socket's file goes
// too, unless its listener was told otherwise (SetUnlinkOnClose, for an upgrade
// in place).
func (s *Server) Shutdown(ctx context.Context) error {
	s.stop()
	s.table.closeSilent()
	if err := s.http.Shutdown(ctx); err != nil {
		return several.Join(err, s.http.Close())
	}
	return nil
}

// conn is a connection with what is found out about its peer at the first request.
type conn struct {
	*peerConn
	once sync.Once
	name string
}

// peerName looks the name up once, and not at accept: the user database may be slow.
func (c *conn) peerName() string {
	c.once.Do(func() { c.name = who.Name(c.peer.Owner.Person()) })
	return c.name
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	c := r.Context().Value(connKey{}).(*conn)
	defer c.begin()()
	defer s.survive(w, r)
	peer := Peer{Peer: c.peer, Role: s.o.Roles().Of(c.peer)}
	peer.Owner.Name = c.peerName()
	s.dispatch(w, r, peer)
}

// survive keeps a mistake in answering one request from ending supd.
func (s *Server) survive(w http.ResponseWriter, r *http.Request) {
	cause := recover()
	if cause == nil {
		return
	}
	s.o.Log.Error("a request met a fault in supd", "method", r.Method, "path", r.URL.Path, "cause", cause, "stack", string(debug.Stack()))
	replyError(w, Errorf(CodeFailed, "a fault in supd: %v", cause))
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler) // cuts the connection, so that half an answer is not taken for a whole one
}

// dispatch finds the route and judges the peer before anything of the request
// is read.
func (s *Server) dispatch(w http.ResponseWriter, r *http.Request, peer Peer) {
	rt, path, err := s.find(r)
	switch {
	case errors.Is(err, errMethod):
		replyStatus(w, http.StatusMethodNotAllowed, Errorf(CodeUsage, "%s does not go with %s", r.Method, r.URL.Path))
		return
	case err != nil:
		replyStatus(w, http.StatusNotFound, Errorf(CodeUsage, "no such route: %s", r.URL.Path).WithNext("docs/openapi.json lists them"))
		return
	}
	if err := allowed(rt, peer); err != nil {
		replyError(w, err)
		return
	}
	body, err := readBody(w, r, rt.in)
	if errors.Is(err, errTooLarge) {
		w.Header().Set("Connection", "close")
		replyStatus(w, http.StatusRequestEntityTooLarge, errTooLarge)
		return
	}
	if err != nil {
		replyError(w, err)
		return
	}
	s.answer(w, r, rt, &call{ctx: r.Context(), b: s.o.Backend, peer: peer, path: path, query: r.URL.Query(), body: body})
}

var (
	errMethod = errors.New("method")
	errRoute  = errors.New("route")
)

func (s *Server) find(r *http.Request) (*route, map[string]string, error) {
	err := errRoute
	for i := range s.routes {
		rt := &s.routes[i]
		path, ok := rt.match(r.URL.EscapedPath())
		if !ok {
			continue
		}
		if rt.method == r.Method || rt.method == http.MethodGet && r.Method == http.MethodHead {
			return rt, path, nil
		}
		err = errMethod
	}
	return nil, nil, err
}

func allowed(rt *route, peer Peer) error {
	if rt.method != http.MethodGet && peer.Unverified != nil && rt.role > Viewer {
		return Errorf(CodeNotAllowed, "cannot tell who is asking: %v", peer.Unverified)
	}
	if peer.Role < rt.role {
		return Errorf(CodeNotAllowed, "%s (%s) may not do this: it needs the %s role", peer.Owner.Name, peer.Role, rt.role).
			WithNext("ask an administrator, or repeat it with sudo")
	}
	return nil
}

func (s *Server) answer(w http.ResponseWriter, r *http.Request, rt *route, c *call) {
	follow := c.query.Get("follow")
	switch {
	case rt.shape == raw:
		s.o.Backend.Metrics().ServeHTTP(w, r)
	case rt.shape == long:
		answerLong(w, rt, c, r.Header.Get(noticesHeader) != "")
	case rt.shape == lines && follow != "" && follow != "0" && follow != "false":
		answerFollow(w, rt, c)
	default:
		if out, err := rt.once(c); err != nil {
			replyError(w, err)
		} else {
			replyJSON(w, out)
		}
	}
}

// noticesHeader asks for the peer's notices before the result of a long call, and spares a request of its own.
const noticesHeader = "Supd-Notices"

// answerLong says "accepted" before it lets the Backend begin. If nobody hears
// that, the client has given up (and perhaps done it by other means since).
func answerLong(w http.ResponseWriter, rt *route, c *call, notices bool) {
	l := newLineWriter(w)
	defer l.close()
	if l.send(acceptedLine{true}) != nil {
		return
	}
	out, err := rt.work(c, func(text string) { _ = l.send(progressLine{text}) })
	if notices { // as they are now that the work is done
		if r, err := c.b.Notices(c.ctx, c.peer); err == nil {
			_ = l.send(noticesLine(r))
		}
	}
	if err != nil {
		_ = l.send(errorLine{asError(err)})
		return
	}
	if err := l.send(resultLine{WithLists(out)}); err != nil && !errors.Is(err, errGone) {
		_ = l.send(errorLine{asError(err)})
	}
}

func answerFollow(w http.ResponseWriter, rt *route, c *call) {
	l := newLineWriter(w)
	defer l.close()
	if l.begin() != nil {
		return
	}
	if err := rt.follow(c, l.send); err != nil && !errors.Is(err, errGone) && c.ctx.Err() == nil {
		_ = l.send(errorLine{asError(err)})
	}
}
