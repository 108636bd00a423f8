package hands

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/supd/supd/lockfile"
)

// A script that writes without end takes little memory, is not disturbed, and its last words are kept.
func TestAFloodOfAScript(t *testing.T) {
	r := newRig(t, true)
	// It ends only once the kernel has given the memory of its output back: 4096 blocks of 512 bytes are 2 MB.
	const flood = "i=0; while [ $i -lt 64 ]; do head -c 1000000 /dev/zero | tr '\\0' x; echo; i=$((i+1)); done; " +
		"while [ $(stat -L -c %b /proc/self/fd/1) -gt 4096 ]; do sleep 0.01; done 2>&1; echo the last words >&2; exit 3"
	s := Script{Argv: []string{"sh", "-c", flood}, Output: Output{Mode: "file", File: r.file("log"), Keep: true}, Timeout: patience,
		Env: CleanEnv(nil, map[string]string{"PATH": "/usr/bin:/bin", "RIG_MARK": r.path})}
	var res ScriptResult
	must(t, r.do(lockfile.VerbReload, func(p *lockfile.Permit) (err error) {
		res, err = r.Run(p, service, lockfile.VerbReload, s, false)
		return err
	}))
	if res.Failed() != "exit code 3" || res.Tail != "the last words" {
		t.Errorf("%s, tail %.100q", res.Failed(), res.Tail)
	}
	log, err := os.ReadFile(r.file("log"))
	must(t, err)
	if !strings.HasPrefix(string(log), "[6") || !strings.Contains(string(log), " bytes of output left out]\n") || !strings.HasSuffix(string(log), "x\nthe last words\n") {
		t.Errorf("the log: %.100q … %q", log, log[max(len(log)-30, 0):])
	}
	if strings.Contains(string(log), "\x00") || len(log) > outputBytesMax+100 {
		t.Errorf("the log has %d bytes, or holes", len(log))
	}
}

// What a script leaves running cannot fill the memory either.
func TestKeptOutputIsSealed(t *testing.T) {
	kept, err := newKept()
	must(t, err)
	defer kept.Close()
	log, err := os.Create(t.TempDir() + "/log")
	must(t, err)
	defer log.Close()
	_, err = kept.WriteString("one\ntwo\n")
	must(t, err)
	if tail, err := passOn(kept, log); tail != "one\ntwo" || err != nil {
		t.Errorf("%q %v", tail, err)
	}
	if _, err := kept.WriteString("three\n"); !errors.Is(err, unix.EPERM) {
		t.Errorf("writing afterwards: %v", err)
	}
}

// Only memory is given back: the size, and what is at the end, stay.
func TestTrim(t *testing.T) {
	kept, err := newKept()
	must(t, err)
	defer kept.Close()
	_, err = kept.WriteString(strings.Repeat("x", 8*outputBytesMax) + "\nend\n")
	must(t, err)
	trim(kept)
	st, err := kept.Stat()
	must(t, err)
	if blocks := st.Sys().(*syscall.Stat_t).Blocks * 512; blocks > outputBytesMax+1<<16 || st.Size() != 8*outputBytesMax+5 {
		t.Errorf("%d bytes of memory for %d of output", blocks, st.Size())
	}
	if text, before := lastLines(kept, st.Size(), 100); text != "end\n" || before != 8*outputBytesMax+1 {
		t.Errorf("%q after %d bytes", text, before)
	}
}
