package supervisor

import (
	"context"
	"log/slog"
	"maps"
)

// What supd says about the world can repeat a secret of the config: a URL with a token in it, a path from the
// environment, a server's answer. So every text passes here on its way to the record, the log and the core.

// hide is a text without the secrets of the plans that are or were in force.
func (s *Supervisor) hide(text string) string { return s.veil.Load().Hide(text) }

// hideAll is hide for the fields of an event. The map may be the core's: it is not written to.
func (s *Supervisor) hideAll(fields map[string]string) map[string]string {
	out, own := fields, false
	for key, text := range fields {
		hidden := s.hide(text)
		if hidden == text {
			continue
		}
		if !own {
			out, own = maps.Clone(fields), true
		}
		out[key] = hidden
	}
	return out
}

// veiledLog hides secrets in what is logged.
type veiledLog struct {
	slog.Handler
	hide func(string) string
}

// Handle is slog.Handler's.
func (h *veiledLog) Handle(ctx context.Context, r slog.Record) error {
	out := slog.NewRecord(r.Time, r.Level, h.hide(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		out.AddAttrs(h.attr(a))
		return true
	})
	return h.Handler.Handle(ctx, out)
}

// attr hides in the text of a value, whatever it is.
func (h *veiledLog) attr(a slog.Attr) slog.Attr {
	v := a.Value.Resolve()
	if v.Kind() == slog.KindGroup {
		var inner []any
		for _, g := range v.Group() {
			inner = append(inner, h.attr(g))
		}
		return slog.Group(a.Key, inner...)
	}
	text := v.String()
	if hidden := h.hide(text); hidden != text {
		return slog.String(a.Key, hidden)
	}
	return a
}

// WithAttrs is slog.Handler's.
func (h *veiledLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	hidden := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		hidden[i] = h.attr(a)
	}
	return &veiledLog{Handler: h.Handler.WithAttrs(hidden), hide: h.hide}
}

// WithGroup is slog.Handler's.
func (h *veiledLog) WithGroup(name string) slog.Handler {
	return &veiledLog{Handler: h.Handler.WithGroup(name), hide: h.hide}
}
