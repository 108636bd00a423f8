package doctor

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Lists are read again when a package was installed, as dpkg does that: a new list is renamed into the directory. Only then.
func TestAPackageInstalledMeanwhileIsSeen(t *testing.T) {
	root := host(t, map[string]string{"/var/lib/dpkg/info/coreutils.list": "/bin/sleep\n", "/var/lib/dpkg/info/redis-tools.list": "/nothing\n"})
	put := func(name, text string) {
		t.Helper()
		path := filepath.Join(root, "var/lib/dpkg/info", name)
		if err := os.WriteFile(filepath.Join(root, "new"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(root, "new"), path); err != nil {
			t.Fatal(err)
		}
	}
	put("redis-tools.postinst", "invoke-rc.d redis-server restart\n")
	var k Looker
	findings := func() (n int) {
		for _, f := range k.Look(t.Context(), root, redis()).Findings {
			if f.Service == "cache" && f.Kind == "package" {
				n++
			}
		}
		return n
	}
	remembers := time.After(20 * time.Second)
	for tick := time.NewTicker(50 * time.Millisecond); ; {
		if findings() != 0 {
			t.Fatal("found what is not there")
		}
		if k.owned.stamp != "" {
			break
		}
		select {
		case <-tick.C:
		case <-remembers:
			t.Fatal("nothing is ever remembered")
		}
	}
	if err := os.WriteFile(filepath.Join(root, "var/lib/dpkg/info/redis-tools.list"), []byte("/usr/bin/redis-check-rdb\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if n := findings(); n != 0 {
		t.Error("all lists were read again although no package came or went")
	}
	put("redis-tools.list", "/usr/bin/redis-check-rdb\n")
	if n := findings(); n != 1 {
		t.Errorf("%d findings after the upgrade", n)
	}
}
