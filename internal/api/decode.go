package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"
	"time"
)

// Limits of one request's body.
const (
	bodyBytesMax = 1 << 20
	// What is over the limit is read and thrown away up to here, so that a
	// client that sends before it reads gets to see the refusal.
	drainBytesMax = 32 << 20
	bodyReadMax   = 10 * time.Second
)

var errTooLarge = Errorf(CodeUsage, "the request is larger than %d bytes", bodyBytesMax)

// readBody reads and judges the body of type in. errTooLarge has a status of
// its own (413).
func readBody(w http.ResponseWriter, r *http.Request, in reflect.Type) (any, error) {
	c := http.NewResponseController(w)
	_ = c.SetReadDeadline(time.Now().Add(bodyReadMax))
	// Cleared again, or the server would take a long call's client for gone.
	defer func() { _ = c.SetReadDeadline(time.Time{}) }()
	b, err := io.ReadAll(io.LimitReader(r.Body, bodyBytesMax+1))
	if err != nil {
		return nil, Errorf(CodeUsage, "cannot read the request: %v", err)
	}
	if len(b) > bodyBytesMax {
		_, _ = io.CopyN(io.Discard, r.Body, drainBytesMax)
		return nil, errTooLarge
	}
	return decode(b, in)
}

// decode turns a body into a *in. It is strict: an option that this supd does
// not know might be one that limits what it does.
func decode(b []byte, in reflect.Type) (any, error) {
	if in == nil {
		return nil, nil
	}
	v := reflect.New(in).Interface()
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("it is empty")
		}
		return nil, Errorf(CodeUsage, "cannot read the request: %v", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, Errorf(CodeUsage, "cannot read the request: something follows the JSON document")
	}
	if c, ok := v.(validator); ok {
		if err := c.validate(); err != nil {
			return nil, err
		}
	}
	return v, nil
}
