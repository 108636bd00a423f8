package checks

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestProgram(t *testing.T) {
	exit := func(code int, stdout, stderr string) Output {
		return Output{Known: true, Code: code, Stdout: []byte(stdout), Stderr: []byte(stderr)}
	}
	for name, c := range map[string]struct {
		table string
		out   Output
		state State
		parts []string
		value string
	}{
		"success":           {"", exit(0, "", ""), OK, []string{"/bin/x ended with status 0"}, ""},
		"failure":           {"", exit(2, "", "no queue\n"), Failing, []string{`/bin/x ended with status 2, want 0; stderr: "no queue"`}, ""},
		"says it on stdout": {"", exit(1, "CRITICAL - 5 jobs", ""), Failing, []string{`stdout: "CRITICAL - 5 jobs"`}, "5"},
		"wanted status":     {"status = [0, 3]", exit(3, "", ""), OK, nil, ""},
		"signal":            {"", Output{Known: true, Signal: 11}, Failing, []string{"was killed by signal 11"}, ""},
		"unknown exit":      {"", Output{}, Unknown, []string{"its exit status is not known"}, ""},
		"too slow":          {"", Output{TimedOut: true, Stdout: []byte("step 1")}, Failing, []string{"did not end within", `was killed; stdout: "step 1"`}, "1"},
		"output":            {`output = "queue"`, exit(0, "queue 12", ""), OK, nil, "12"},
		"output missing":    {`output = "queue"`, exit(0, "nothing", ""), Failing, []string{`its output "nothing" has not "queue" in it`}, ""},
		"output regex":      {`output_regex = '^\d+$'`, exit(0, "-3.5", ""), Failing, nil, "-3.5"},
		"cut output":        {`output = "x"`, Output{Known: true, Stdout: []byte("y"), Truncated: true}, Failing, []string{"only the first 64K were searched"}, ""},
		"no number in it":   {"", exit(0, "md5 utf8", ""), OK, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := made(t, "program", "command = [\"/bin/x\"]\n"+c.table).Run(within(t, time.Second), ran(c.out))
			expectDetail(t, r, c.state, c.parts...)
			if got := r.Values["value"].String(); got != c.value {
				t.Errorf("value is %q, want %q", got, c.value)
			}
		})
	}
}

func TestProgramThatCannotBeStartedIsUnknown(t *testing.T) {
	env := Env{Run: func(context.Context, Command) (Output, error) { return Output{}, errors.New("permission denied") }}
	r := made(t, "program", `command = ["/bin/x"]`).Run(t.Context(), env)
	expectDetail(t, r, Unknown, "cannot run /bin/x: permission denied")
}

func TestProgramPassesItsCommandOn(t *testing.T) {
	var got Command
	env := Env{Run: func(_ context.Context, cmd Command) (Output, error) { got = cmd; return Output{Known: true}, nil }}
	made(t, "program", `command = ["/bin/x", "a b"]
user = "nobody"
dir = "/tmp"
env = { B = "2", A = "1" }`).Run(t.Context(), env)
	if strings.Join(got.Argv, "|") != "/bin/x|a b" || got.User != "nobody" || got.Dir != "/tmp" ||
		strings.Join(got.Env, " ") != "A=1 B=2" || got.OutputBytesMax != programOutputMax {
		t.Errorf("it would run %+v", got)
	}
}

func TestProgramOutputChanged(t *testing.T) {
	k := mustLookup(t, "program")
	o, c := decode(t, k, "command = [\"/bin/x\"]\nwhen = \"changed\"")
	w, check := newWatch(k, o), c.Make()
	for i, step := range []struct {
		output string
		want   State
	}{{"a", OK}, {"a", OK}, {"b", Failing}, {"b", OK}} {
		r := w.see(Report{At: time.Unix(int64(i), 0), Result: check.Run(t.Context(), ran(Output{Known: true, Stdout: []byte(step.output)}))})
		if r.Result.State != step.want {
			t.Errorf("look %d: %s (%s), want %s", i, r.Result.State, r.Result.Detail, step.want)
		}
	}
}

func TestBadProgramTables(t *testing.T) {
	for table, want := range map[string]string{
		``:                                `command is missing; write it such as ["/usr/bin/check-queue", "--max", "10"]`,
		`command = ["check"]`:             `command "check" is no absolute path; nothing is searched in PATH`,
		`command = ["/x", "a\u0000b"]`:    `command has a NUL byte in it`,
		"command = ['/x']\ndir = 'y'":     `dir "y" is no absolute path`,
		"command = ['/x']\nstatus = []":   `status is empty: no exit would do`,
		"command = ['/x']\nenv.'a=b'='c'": `env has "a=b", which is no name of a variable, or a NUL byte behind it`,
	} {
		_, c := decode(t, mustLookup(t, "program"), table)
		if got := errText(c.Validate()); got != want {
			t.Errorf("%s:\n got %s\nwant %s", strings.ReplaceAll(table, "\n", "; "), got, want)
		}
	}
}

func FuzzFirstNumber(f *testing.F) {
	f.Add([]byte("load: 3.5, 2"))
	f.Fuzz(func(t *testing.T, out []byte) {
		if n, ok := firstNumber(out); ok && n != n {
			t.Fatalf("%q is no number and was taken for one", out)
		}
	})
}
