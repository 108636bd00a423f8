package main

import (
	"io"
	"strings"
	"unicode/utf8"
)

// paint is how a cell is coloured.
type paint string

// SGR sequences (ECMA-48 8.3.117).
const (
	plain  paint = ""
	green  paint = "\x1b[32m"
	yellow paint = "\x1b[33m"
	red    paint = "\x1b[31m"
	dim    paint = "\x1b[2m"
	bold   paint = "\x1b[1m"

	unpaint = "\x1b[0m"
)

// cell is one field of a table. Its text is shown harmlessly.
type cell struct {
	text  string
	paint paint
}

// table aligns columns by their widest cell; the last one is as long as it is.
type table struct {
	head   []string
	rows   [][]cell
	colour bool
}

// add appends a row of plain text.
func (t *table) add(texts ...string) {
	row := make([]cell, len(texts))
	for i, s := range texts {
		row[i] = cell{text: s}
	}
	t.rows = append(t.rows, row)
}

// addCells appends a row.
func (t *table) addCells(row ...cell) { t.rows = append(t.rows, row) }

// gap is the space between two columns.
const gap = "  "

// write writes the head and the rows; a table without rows is not written.
func (t *table) write(w io.Writer) error {
	if len(t.rows) == 0 {
		return nil
	}
	head := make([]cell, len(t.head))
	for i, h := range t.head {
		head[i] = cell{h, dim}
	}
	rows := append([][]cell{head}, t.rows...)
	widths := make([]int, len(t.head))
	for _, row := range rows {
		for i := range row {
			row[i].text = clean(row[i].text)
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i].text))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		t.line(&b, row, widths)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// line pads by what is seen: escape sequences take no room, so they are put around
// the text after it was measured.
func (t *table) line(b *strings.Builder, row []cell, widths []int) {
	last := len(row) - 1
	for last > 0 && row[last].text == "" { // no blanks at the end of a line
		last--
	}
	for i, c := range row[:last+1] {
		b.WriteString(painted(c, t.colour))
		if i < last {
			b.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c.text)) + gap)
		}
	}
	b.WriteByte('\n')
}

// painted puts a cell's colour around it, if colours are wanted.
func painted(c cell, colour bool) string {
	if !colour || c.paint == plain || c.text == "" {
		return c.text
	}
	return string(c.paint) + c.text + unpaint
}
