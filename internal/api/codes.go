package api

import (
	"errors"
	"fmt"
	"net/http"
)

// Exit codes of supctl, an interface of their own: they change only with a note
// in the changelog.
const (
	CodeDone        = 0
	CodeFailed      = 1  // after `maintenance start`: not locked
	CodeUsage       = 2  // wrong usage
	CodeNotFound    = 3  // no such service, group, check or lock
	CodeHeld        = 4  // refused: held
	CodeVerify      = 5  // refused: verification failed, or a decision is needed
	CodeInFlight    = 6  // locked, but an action is still in flight
	CodeNotReady    = 7  // locked, but not ready
	CodeUnknown     = 8  // state could not be read: treat as locked
	CodeUnreachable = 9  // no daemon, or it does not answer
	CodeNotAllowed  = 10 // role or file permissions
	CodeWrapper     = 125
)

// Error is a failure with the exit code that supctl gives it.
type Error struct {
	Code    int    `json:"code"`
	Message string `json:"message"`        // what is wrong, e.g. `cannot start "web": it is held by anna`
	Next    string `json:"next,omitempty"` // what to do, e.g. "supctl maintenance show 3f2a"

	Choices []string `json:"choices,omitempty"` // decisions that would do, see ChooseStart
}

// Decisions that a refusal may leave to a person: flags of `maintenance end`.
const (
	ChooseStart        = "start"
	ChooseLeaveStopped = "leave-stopped"
	ChooseForce        = "force"
)

func (e *Error) Error() string { return e.Message }

// Errorf makes an Error; Next is set with WithNext.
func Errorf(code int, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// WithNext returns e with what to do next.
func (e *Error) WithNext(next string) *Error {
	c := *e
	c.Next = next
	return &c
}

// WithChoices returns e with what a person may decide.
func (e *Error) WithChoices(choices ...string) *Error {
	c := *e
	c.Choices = choices
	return &c
}

// CodeOf is the exit code of any error: that of an Error within it,
// CodeUnreachable for the client's transport errors, CodeFailed otherwise.
func CodeOf(err error) int {
	if err == nil {
		return CodeDone
	}
	if e := (*Error)(nil); errors.As(err, &e) {
		return e.Code
	}
	if IsUnreachable(err) {
		return CodeUnreachable
	}
	return CodeFailed
}

// httpStatus is the status line that goes with an exit code.
func httpStatus(code int) int {
	switch code {
	case CodeDone:
		return http.StatusOK
	case CodeUsage:
		return http.StatusBadRequest
	case CodeNotFound:
		return http.StatusNotFound
	case CodeHeld, CodeVerify, CodeInFlight, CodeNotReady:
		return http.StatusConflict
	case CodeUnknown, CodeUnreachable:
		return http.StatusServiceUnavailable
	case CodeNotAllowed:
		return http.StatusForbidden
	}
	return http.StatusInternalServerError
}
