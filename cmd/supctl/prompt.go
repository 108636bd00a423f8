package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"
)

// answerBytesMax bounds what a person can type at a prompt.
const answerBytesMax = 4 << 10

// prompt asks for a line, "" at the end of input.
func (a *app) prompt(question string) string {
	return a.promptUntil(context.Background(), question)
}

// promptUntil is prompt, and nothing was answered when ctx ends (Ctrl-C).
func (a *app) promptUntil(ctx context.Context, question string) string {
	fmt.Fprint(a.errs, clean(question))
	type answer struct {
		line string
		err  error
	}
	// Reading cannot be interrupted; supctl ends soon after, and the reader with it.
	typed := make(chan answer, 1)
	go func() {
		line, err := bufio.NewReader(io.LimitReader(a.in, answerBytesMax)).ReadString('\n')
		typed <- answer{line, err}
	}()
	var t answer
	select {
	case <-ctx.Done():
	case t = <-typed:
	}
	// No line: the next message begins on one of its own.
	if t.line == "" {
		fmt.Fprintln(a.errs)
	}
	return strings.TrimSpace(t.line)
}
