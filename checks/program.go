package checks

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

func init() {
	Register(Kind{
		Name: "program",
		Doc: `Runs a program, without a shell, and judges its exit status and its output, of which 64K are kept. At the end of ` +
			`the timeout its whole process group is killed. A program that cannot be started makes the check unknown: that says ` +
			`nothing about the service.`,
		Example: `command = ["/usr/lib/supd/queue-length", "--queue", "mail"]
user = "nobody"
status = [0, 3]
when = "value > 1000 for 10m"
every = "1m"
timeout = "20s"
`,
		Values: []Term{
			{Name: "status", Unit: UnitCount, Doc: "the exit status"},
			{Name: "value", Unit: UnitCount, Doc: "the first number in the output"},
			{Name: "duration", Unit: UnitSeconds, Doc: "that the program took"},
			{Name: fingerprint, Unit: UnitText, Doc: "of the output: the condition \"changed\""},
		},
		New: func() Config { return &Program{Status: StatusSet{{0, 0}}} },
	})
}

// Program is the table of a check of type program.
type Program struct {
	Command     []string          `toml:"command"`
	User        string            `toml:"user"` // name or number; "" = supd's own
	Dir         string            `toml:"dir"`
	Env         map[string]string `toml:"env"`
	Status      StatusSet         `toml:"status"`       // exit statuses that are fine
	Output      string            `toml:"output"`       // a text in the standard output
	OutputRegex string            `toml:"output_regex"` // found in it
}

// programOutputMax is what is kept of each stream.
const programOutputMax = 64 << 10

// Validate is Config's.
func (c *Program) Validate() error {
	var found []error
	switch {
	case len(c.Command) == 0:
		found = append(found, badKey("command", `is missing; write it such as ["/usr/bin/check-queue", "--max", "10"]`))
	case !strings.HasPrefix(c.Command[0], "/"):
		found = append(found, badKey("command", "%q is no absolute path; nothing is searched in PATH", clip(c.Command[0], quotedMax)))
	case slices.ContainsFunc(c.Command, func(arg string) bool { return strings.ContainsRune(arg, 0) }):
		found = append(found, badKey("command", "has a NUL byte in it"))
	}
	if c.Dir != "" && !strings.HasPrefix(c.Dir, "/") {
		found = append(found, badKey("dir", "%q is no absolute path", clip(c.Dir, quotedMax)))
	}
	for _, name := range sortedNames(c.Env) {
		if name == "" || strings.ContainsAny(name, "=\x00") || strings.ContainsRune(c.Env[name], 0) {
			found = append(found, badKey("env", "has %s, which is no name of a variable, or a NUL byte behind it", excerpt([]byte(name))))
		}
	}
	if len(c.Status) == 0 {
		found = append(found, badKey("status", "is empty: no exit would do"))
	}
	return errors.Join(append(found, validRegex("output_regex", c.OutputRegex))...)
}

// Make is Config's.
func (c *Program) Make() Check {
	cmd := Command{Argv: c.Command, Dir: c.Dir, User: c.User, OutputBytesMax: programOutputMax}
	for _, name := range sortedNames(c.Env) {
		cmd.Env = append(cmd.Env, name+"="+c.Env[name])
	}
	return &programCheck{command: cmd, status: c.Status, want: newPattern(c.Output, c.OutputRegex)}
}

// programCheck is a Program made ready.
type programCheck struct {
	command Command
	status  StatusSet
	want    pattern
}

// Run is Check's.
func (c *programCheck) Run(ctx context.Context, env Env) Result {
	name := c.command.Argv[0]
	if r, stop := canceled(ctx); stop {
		return r
	}
	if env.Run == nil {
		return Unclear("cannot run %s: nothing here may start programs", name)
	}
	// A cancelled look has killed the program: how that ended says nothing.
	begin := time.Now()
	out, err := env.Run(ctx, c.command)
	if r, stop := canceled(ctx); stop {
		return r
	}
	if err != nil {
		return Unclear("cannot run %s: %s", name, err)
	}
	r := c.judge(name, out, time.Since(begin))
	if !out.TimedOut && out.Known && out.Signal == 0 {
		r = r.With("status", Count(float64(out.Code)))
	}
	r = r.With("duration", Seconds(time.Since(begin)))
	if n, ok := firstNumber(out.Stdout); ok {
		r = r.With("value", Count(n))
		// It is what the program is about, more than its status.
		r.Value = r.Values["value"]
	}
	// A sum, because an output is too long to be kept from look to look.
	sum := sha256.Sum256(out.Stdout)
	return r.With(fingerprint, Text(hex.EncodeToString(sum[:])))
}

// judge says what an end means. It quotes what the program said, standard error first: that is where reasons stand.
func (c *programCheck) judge(name string, out Output, took time.Duration) Result {
	said := ""
	for _, stream := range [...]struct {
		name string
		text []byte
	}{{"stderr", out.Stderr}, {"stdout", out.Stdout}} {
		if len(stream.text) > 0 && said == "" {
			said = "; " + stream.name + ": " + excerpt(stream.text)
		}
	}
	switch {
	case out.TimedOut:
		return Fail("%s did not end within %s and was killed%s", name, secondsText(took.Seconds()), said)
	case !out.Known:
		return Unclear("%s ended, but its exit status is not known%s", name, said)
	case out.Signal != 0:
		return Fail("%s was killed by signal %d%s", name, out.Signal, said)
	case !c.status.Has(out.Code):
		return Fail("%s ended with status %d, want %s%s", name, out.Code, c.status.text(), said)
	case !c.want.in(out.Stdout):
		text := fmt.Sprintf("%s: %s", name, unmet("its output", c.want, out.Stdout))
		if out.Truncated {
			text += fmt.Sprintf(" (only the first %s were searched)", bytesText(programOutputMax))
		}
		return Fail("%s", text)
	}
	return Pass("%s ended with status %d", name, out.Code)
}

// number in an output: not inside a word, so that "md5" is none.
var numberInText = regexp.MustCompile(`(?:^|[\s=:,;(\[])([-+]?[0-9]+(?:\.[0-9]+)?)`)

// firstNumber finds the number that an output is about.
func firstNumber(out []byte) (float64, bool) {
	m := numberInText.FindSubmatch(out)
	if m == nil {
		return 0, false
	}
	n, err := strconv.ParseFloat(string(m[1]), 64)
	return n, err == nil
}
