package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// answerBytesMax bounds what a person can type at a prompt.
const answerBytesMax = 4 << 10

// prompt asks for a line, "" at the end of input.
func (a *app) prompt(question string) string {
	fmt.Fprint(a.errs, clean(question))
	line, err := bufio.NewReader(io.LimitReader(a.in, answerBytesMax)).ReadString('\n')
	// End of input instead of a line: the next message begins on a line of its own.
	if err != nil && line == "" {
		fmt.Fprintln(a.errs)
	}
	return strings.TrimSpace(line)
}
