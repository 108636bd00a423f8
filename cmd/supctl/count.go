package main

import (
	"fmt"
	"strconv"
)

// count is a number of things to show: a flag that takes no zero and nothing below, which could mean all or none.
type count int

// Set reads it from the command line.
func (c *count) Set(text string) error {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return fmt.Errorf("%q is no number of lines: say 1 or more", text)
	}
	*c = count(n)
	return nil
}

func (c *count) String() string { return strconv.Itoa(int(*c)) }

// Type is for the help.
func (c *count) Type() string { return "int" }
