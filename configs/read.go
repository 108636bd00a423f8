package configs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/BurntSushi/toml"
)

// Limits of what is read.
const (
	fileBytesMax = 32 << 20 // a config of 5,000 services takes about 2 MB
	filesMax     = 10_000   // files of one config; a glob over / is a slip
)

// document is one file that was parsed.
type document struct {
	src  *source
	dir  string // that its relative paths are taken from
	tree map[string]any
}

// reader reads the main file and what it includes. Files are judged before they
// are read: the text of one that others can write is not looked at.
type reader struct {
	c     *collector
	exp   *expander
	trust Trust
	docs  []document
	files []string // absolute, in the order read
	globs []string // absolute, in the order met
	read  content
	seen  map[string]bool // real paths: a file that two globs find is read once
	// broken: a file could not be read or parsed, so a name that is not found
	// may stand there.
	broken bool
}

// file reads one file; at is the include that names it.
func (r *reader) file(path string, at place) {
	src := &source{name: path, order: len(r.files)}
	abs, err := filepath.Abs(path)
	if err == nil {
		if real, err := filepath.EvalSymlinks(abs); err == nil {
			if r.seen[real] {
				return
			}
			r.seen[real] = true
		}
		r.files = append(r.files, abs)
		err = r.trust.judge(path)
	}
	var text []byte
	if err == nil {
		text, err = readFile(path)
	}
	if err != nil {
		r.broken = true
		if at.src == nil {
			at = place{src: src}
		}
		r.c.about(at, "cannot read config %q: %s", path, causeOf(err))
		return
	}
	r.read.add(abs, text)
	r.text(src, filepath.Dir(path), string(text))
}

// text parses one file's text and follows its includes at once, so that the
// files come in the order in which a person reads them.
func (r *reader) text(src *source, dir, text string) {
	// The two read the same text and share nothing else: on two processors a large config takes half the time.
	scanned := make(chan positions, 1)
	go func() { scanned <- scanPositions(text) }()
	tree := map[string]any{}
	_, err := toml.Decode(text, &tree)
	src.pos = <-scanned
	src.expands = strings.Contains(text, "${")
	if err != nil {
		r.broken = true
		r.syntax(src, text, err)
		return
	}
	r.docs = append(r.docs, document{src: src, dir: dir, tree: tree})
	r.includes(src, dir, tree)
}

// syntax notes a parse error in our words where the parser's need knowledge of
// its own terms.
func (r *reader) syntax(src *source, text string, err error) {
	var pe toml.ParseError
	if !errors.As(err, &pe) {
		r.c.about(place{src: src}, "%s", err)
		return
	}
	// One syntax error hides the rest of its file; the other files are still read.
	// The place is made by hand: the parser knows the line, not the scanner.
	at, line := *src, pe.Position.Line
	if strings.HasSuffix(pe.Message, `but got '\n' instead`) { // the parser names the line that begins there
		line = 1 + strings.Count(text[:min(pe.Position.Start, len(text))], "\n")
	}
	at.pos = positions{lines: map[string]keyLine{"": {line: int32(line)}}}
	said := pe.Message
	if m := definedTwice.FindStringSubmatch(said); m != nil {
		said = twice(m[1], src.pos, line)
	} else {
		said = plainSyntax(lineOf(text, line), said)
	}
	r.c.about(place{src: &at}, "%s", said)
}

// lineOf is the n-th line of a text, from 1.
func lineOf(text string, n int) string {
	for range n - 1 {
		_, text, _ = strings.Cut(text, "\n")
	}
	line, _, _ := strings.Cut(text, "\n")
	return strings.TrimSuffix(line, "\r")
}

// definedTwice is what the parser says about a name that stands twice.
var definedTwice = regexp.MustCompile(`^Key '(.*)' (?:has already been defined|was already created.*)\.?$`)

// twice says which name stands twice and where it stood first.
func twice(dotted string, pos positions, line int) string {
	s := &scanner{text: dotted, lineNo: 1}
	parts := s.key()
	first := int(pos.lines[joinKey(parts...)].line)
	where := ""
	if first > 0 && first < line {
		where = fmt.Sprintf("; first in line %d", first)
	}
	if len(parts) == 2 && (parts[0] == "service" || parts[0] == "group" || parts[0] == "check") {
		return fmt.Sprintf("%s %q is defined twice%s", parts[0], parts[1], where)
	}
	return fmt.Sprintf("%q is defined twice%s", dotted, where)
}

// includes reads the files that the globs find, in the order of their names.
func (r *reader) includes(src *source, dir string, tree map[string]any) {
	v, ok := tree["include"]
	if !ok {
		return
	}
	at := place{src: src}.key("include")
	list, ok := v.([]any)
	if !ok {
		r.c.wantType(at, `a list of globs, such as ["conf.d/*.toml"]`, v)
		return
	}
	for i, elem := range list {
		elemAt := at.element(i)
		glob, ok := elem.(string)
		if !ok {
			r.c.wantType(elemAt, "a list of strings", elem)
			continue
		}
		glob = r.exp.text(elemAt, glob)
		if !filepath.IsAbs(glob) {
			glob = filepath.Join(dir, glob)
		}
		r.globs = append(r.globs, glob)
		found, err := filepath.Glob(glob)
		r.read.found = append(r.read.found, found)
		if err != nil {
			r.c.add(elemAt, "%q is no glob: %s", glob, err)
			continue
		}
		// A glob that matches nothing is an empty conf.d; a plain name is meant.
		if len(found) == 0 && !strings.ContainsAny(glob, `*?[\`) {
			found = []string{glob}
		}
		for _, path := range found {
			if len(r.files) >= filesMax {
				r.c.add(elemAt, "finds more than %d files", filesMax)
				return
			}
			r.file(path, elemAt)
		}
	}
}

// readFile reads a regular file; anything else could block or never end.
func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var text bytes.Buffer
	text.Grow(int(min(info.Size(), fileBytesMax)) + bytes.MinRead) // one allocation, if the file stays as it is
	_, err = text.ReadFrom(io.LimitReader(f, fileBytesMax+1))
	if err == nil && text.Len() > fileBytesMax {
		err = fmt.Errorf("larger than %d MB", fileBytesMax>>20)
	}
	return text.Bytes(), err
}

// causeOf drops the operation and path that the message around it names already.
func causeOf(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}
