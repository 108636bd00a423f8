package api

import (
	"context"
	"net/url"
	"reflect"
	"strings"
)

// shape is how a route answers.
type shape uint8

const (
	single shape = iota // one JSON document
	long                // accepted, progress…, result or error: one JSON document per line
	lines               // with ?follow=1 one document per line until the client goes; else single
	raw                 // not JSON: metrics
)

// route is one row of the table that server, OpenAPI file and tests share.
type route struct {
	method, path string // path segments in {} are parameters
	role         Role   // the least that is needed
	shape        shape
	summary      string
	query        []param
	in, out      reflect.Type // request body (nil: none), answer
	item         reflect.Type // of a followed line

	once   func(c *call) (any, error)                    // single, lines
	work   func(c *call, progress Progress) (any, error) // long
	follow func(c *call, each func(any) error) error     // lines
}

// param is a query parameter.
type param struct {
	name, kind, doc string // kind: string, integer, boolean, date-time
	many            bool
}

// call is one request on its way to the Backend.
type call struct {
	ctx   context.Context
	b     Backend
	peer  Peer
	path  map[string]string // values of the {} segments, unescaped
	query url.Values
	body  any // pointer to route.in, decoded and valid
}

// get makes the row of a read.
func get[Out any](path string, role Role, summary string, f func(c *call) (Out, error), query ...param) route {
	return route{method: "GET", path: path, role: role, summary: summary, query: query, out: reflect.TypeFor[Out](),
		once: func(c *call) (any, error) { return f(c) }}
}

// post makes the row of a long call with a body.
func post[In, Out any](path string, role Role, summary string, f func(c *call, in In, progress Progress) (Out, error)) route {
	r := route{method: "POST", path: path, role: role, shape: long, summary: summary, out: reflect.TypeFor[Out](),
		work: func(c *call, progress Progress) (any, error) {
			var in In
			if c.body != nil {
				in = *c.body.(*In)
			}
			return f(c, in, progress)
		}}
	if in := reflect.TypeFor[In](); in != reflect.TypeFor[struct{}]() {
		r.in = in
	}
	return r
}

// followable makes the row of something that can be read once or followed.
func followable[Out, Item any](path string, role Role, summary string, once func(c *call) (Out, error),
	follow func(c *call, each func(Item) error) error, query ...param) route {
	r := get(path, role, summary, once, append(query, param{name: "follow", kind: "boolean", doc: "go on with what comes, one document per line"})...)
	r.shape, r.item = lines, reflect.TypeFor[Item]()
	r.follow = func(c *call, each func(any) error) error {
		return follow(c, func(i Item) error { return each(i) })
	}
	return r
}

// match finds the values of a path's parameters. Both are compared segment by
// segment in escaped form, so that a name with an escaped slash is one segment.
func (r *route) match(escapedPath string) (map[string]string, bool) {
	want, have := strings.Split(r.path, "/"), strings.Split(escapedPath, "/")
	if len(want) != len(have) {
		return nil, false
	}
	values := map[string]string{}
	for i, w := range want {
		if !strings.HasPrefix(w, "{") {
			if w != have[i] {
				return nil, false
			}
			continue
		}
		v, err := url.PathUnescape(have[i])
		if err != nil || v == "" {
			return nil, false
		}
		values[strings.Trim(w, "{}")] = v
	}
	return values, true
}
