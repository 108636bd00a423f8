package checks

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// pattern is what has to be found in an answer: a text, a regular expression, or both. The zero value wants nothing.
type pattern struct {
	text []byte
	re   *regexp.Regexp
}

// newPattern compiles a pattern of a valid config.
func newPattern(text, expr string) pattern {
	p := pattern{text: []byte(text)}
	if expr != "" {
		p.re, _ = regexp.Compile(expr) // judged by validRegex
	}
	return p
}

// validRegex judges the expression under a key.
func validRegex(key, expr string) error {
	if _, err := regexp.Compile(expr); err != nil {
		return badKey(key, "is no regular expression: %s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	return nil
}

func (p pattern) empty() bool { return len(p.text) == 0 && p.re == nil }

func (p pattern) in(b []byte) bool {
	return bytes.Contains(b, p.text) && (p.re == nil || p.re.Match(b))
}

// String says what is wanted, for a message.
func (p pattern) String() string {
	var parts []string
	if len(p.text) > 0 {
		parts = append(parts, excerpt(p.text))
	}
	if p.re != nil {
		parts = append(parts, "a match of "+clip(p.re.String(), quotedMax))
	}
	return strings.Join(parts, " and ")
}

// Limits of an answer that is searched.
const (
	replyBytesMax  = 1 << 20 // what is beyond is not read
	searchBytesMax = 1 << 20 // looked through anew with every piece; then only after it has doubled
	replyPiece     = 4 << 10 // first buffer: most answers are short
)

// errTooLong says that replyBytesMax came and the pattern was not in them.
var errTooLong = errors.New("the answer is longer than 1M")

// collect reads until p, which wants something, is found, the answer ends, or it is too long. It returns what it read; io.EOF is no error. A peer
// that sends one byte at a time costs neither more memory than replyBytesMax nor time for ever new searches.
func collect(r io.Reader, p pattern) (got []byte, found bool, err error) {
	// searched is how much was in the last search, spent how much all of them went through.
	buf := make([]byte, 0, replyPiece)
	searched, spent := 0, 0
	for {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := r.Read(buf[len(buf):min(cap(buf), replyBytesMax)])
		buf = buf[:len(buf)+n]
		full := len(buf) >= replyBytesMax
		if n > 0 && (spent < searchBytesMax || len(buf) >= 2*searched) || err != nil || full {
			if p.in(buf) {
				return buf, true, nil
			}
			searched, spent = len(buf), spent+len(buf)
		}
		switch {
		case err != nil:
			return buf, false, ignoreEOF(err)
		case full:
			return buf, false, errTooLong
		}
	}
}

// ignoreEOF: that an answer ends is how most of them say that they are complete.
func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// unmet puts an answer in which the pattern was not found into words.
func unmet(what string, p pattern, got []byte) string {
	if len(got) == 0 {
		return fmt.Sprintf("%s is empty, want %s", what, p)
	}
	return fmt.Sprintf("%s %s has not %s in it", what, excerpt(got), p)
}
