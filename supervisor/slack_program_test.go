package supervisor

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestOnlyWhatIsTheFileIsGivenBack(t *testing.T) {
	one := func(from int, perms, file string, anonymous int) string {
		return fmt.Sprintf("%08x-%08x %s 00000000 fd:00 123      %s\nSize:       4 kB\nRss:        4 kB\nAnonymous:  %d kB\nVmFlags: rd ex mr mw me\n", from, from+0x1000, perms, file, anonymous)
	}
	smaps := one(0x1000, "r-xp", "/sbin/supd", 0) +
		one(0x2000, "r--p", "/sbin/supd", 0) +
		one(0x3000, "r--p", "/sbin/supd", 4) + // changed by a linker
		one(0x4000, "rw-p", "/sbin/supd", 0) +
		one(0x5000, "r-xp", "/lib/other.so", 0) +
		one(0x6000, "r-xp", "", 0) +
		one(0x7000, "r-xs", "/sbin/supd", 0) +
		one(0x8000, "r-xp", "/other/sbin/supd", 0)
	got := ofProgram(strings.NewReader(smaps), "/sbin/supd")
	if want := []mapped{{0x1000, 0x2000}, {0x2000, 0x3000}}; !slices.Equal(got, want) {
		t.Errorf("given back: %x, want %x", got, want)
	}
	if got := ofProgram(strings.NewReader(one(0x1000, "r-xp", "/sbin/supd (deleted)", 0)), "/sbin/supd (deleted)"); len(got) != 1 {
		t.Error("a program that has been replaced on disk keeps its pages")
	}
}

// The real thing: less of the program is there afterwards, and it goes on running.
func TestProgramGivesBackItsPages(t *testing.T) {
	file := func() (kb int) {
		text, err := os.ReadFile("/proc/self/status")
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if _, err := fmt.Sscanf(line, "RssFile: %d kB", &kb); err == nil {
				return kb
			}
		}
		t.Fatal("no RssFile in /proc/self/status")
		return 0
	}
	before := file()
	giveBackProgram()
	if after := file(); after > before*3/4 {
		t.Errorf("%d kB of files were mapped, %d kB are", before, after)
	}
}
