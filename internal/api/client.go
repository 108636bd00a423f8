package api

import (
	"context"
	"encoding/json"
	"net/url"
	"strconv"
	"time"
)

// FirstLine is how long a client waits for the daemon's first sign of life
// before it takes it for hung.
const FirstLine = 2 * time.Second

// Client talks to one daemon. Its methods may be used from any goroutine and
// end when ctx does, with its error. Errors: *Error (the daemon's refusal),
// *NotReachableError, *NotAnsweringError, *BrokenError.
type Client struct {
	socket   string
	patience time.Duration // until the first sign of life
	notices  func([]Notice)
}

// NewClient makes a client for a socket path; nothing is dialled yet.
func NewClient(socket string) *Client { return &Client{socket: socket, patience: FirstLine} }

// Socket is the path it talks to.
func (c *Client) Socket() string { return c.socket }

// HearNotices has long calls of this client tell hear, before they return, what Notices would have answered then.
// A daemon that is older does not. Before the first call.
func (c *Client) HearNotices(hear func([]Notice)) { c.notices = hear }

// read asks for a single document.
func read[Out any](ctx context.Context, c *Client, path string, query url.Values) (Out, error) {
	var out Out
	a, err := c.ask(ctx, "GET", path, query, nil, false)
	if err != nil {
		return out, err
	}
	defer a.close()
	return out, a.next(&out)
}

// replyLine is any line of a long call after the first.
type replyLine struct {
	Progress *string         `json:"progress"`
	Notices  []Notice        `json:"notices"`
	Result   json.RawMessage `json:"result"`
	Error    *Error          `json:"error"`
}

// run makes a long call.
func run[Out any](ctx context.Context, c *Client, path string, in any, progress Progress) (Out, error) {
	var out Out
	a, err := c.ask(ctx, "POST", path, nil, in, true)
	if err != nil {
		return out, err
	}
	defer a.close()
	for {
		var l replyLine
		if err := a.next(&l); err != nil {
			return out, err
		}
		switch {
		case l.Error != nil:
			return out, l.Error
		case l.Result != nil:
			if err := json.Unmarshal(l.Result, &out); err != nil {
				return out, Errorf(CodeFailed, "cannot read the answer of supd: %v", err)
			}
			return out, nil
		case l.Notices != nil && c.notices != nil:
			c.notices(l.Notices)
		case l.Progress != nil && progress != nil:
			progress(*l.Progress)
		}
	}
}

// follow calls each for every document until ctx ends.
func follow[Item any](ctx context.Context, c *Client, path string, query url.Values, each func(Item) error) error {
	query.Set("follow", "1")
	a, err := c.ask(ctx, "GET", path, query, nil, false)
	if err != nil {
		return err
	}
	defer a.close()
	for {
		var raw json.RawMessage
		if err := a.next(&raw); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		var e errorLine
		if json.Unmarshal(raw, &e) == nil && e.Error != nil {
			return e.Error
		}
		var item Item
		if err := json.Unmarshal(raw, &item); err != nil {
			return Errorf(CodeFailed, "cannot read the answer of supd: %v", err)
		}
		if err := each(item); err != nil {
			return err
		}
	}
}

func targetQuery(targets []string) url.Values { return url.Values{"target": targets} }

func numberQuery(key string, n int) url.Values {
	return url.Values{key: {strconv.Itoa(n)}}
}

func addSince(q url.Values, since time.Time) url.Values {
	if !since.IsZero() {
		q.Set("since", since.Format(time.RFC3339Nano))
	}
	return q
}

// checkPath is the path of a check; service "" is one that belongs to none.
func checkPath(service, check string) string {
	if service == "" {
		service = NoService
	}
	return "/v1/checks/" + url.PathEscape(service) + "/" + url.PathEscape(check)
}
