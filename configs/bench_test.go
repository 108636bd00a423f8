package configs

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// benchServices is the size of a large host.
const benchServices = 5000

// largeConfig has n services with the usual keys.
func largeConfig(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `
[service.web%d]
description = "shop number %d"
command = ["/usr/bin/web", "--port", "%d"]
user = "www-data"
dir = "/srv/web"
env = { MODE = "production", SHARD = "%d" }
ready_timeout = "30s"
`, i, i, i, i)
		if i%10 != 0 {
			fmt.Fprintf(&b, "depends_on = [\"web%d\"]\n", i/10*10)
		}
		fmt.Fprintf(&b, `[service.web%d.restart]
policy = "always"
backoff = { first = "0s", then = "200ms" }
[service.web%d.stop]
signal = "INT"
timeout = "20s"
`, i, i)
	}
	return b.String()
}

// What a reload of a large host costs: read, judge and compare.
func BenchmarkReload5000(b *testing.B) {
	path := filepath.Join(b.TempDir(), "supd.toml")
	text := largeConfig(benchServices)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		b.Fatal(err)
	}
	old, mistakes := Load(path, Options{Trust: TrustAny})
	if mistakes != nil {
		b.Fatal(mistakes[0])
	}
	if err := os.WriteFile(path, []byte(strings.Replace(text, `"30s"`, `"31s"`, 1)), 0o644); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		plan, mistakes := Load(path, Options{Trust: TrustAny})
		if mistakes != nil {
			b.Fatal(mistakes[0])
		}
		if changes := Diff(old, plan); len(changes) != 1 {
			b.Fatalf("%d changes", len(changes))
		}
	}
}

// The worst reload: every service changes.
func BenchmarkDiffAll5000(b *testing.B) {
	load := func(text string) *Plan {
		plan, mistakes := LoadBytes("x", "/", []byte(text), Options{})
		if mistakes != nil {
			b.Fatal(mistakes[0])
		}
		return plan
	}
	text := largeConfig(benchServices)
	old, now := load(text), load(strings.ReplaceAll(text, `"20s"`, `"21s"`))
	for b.Loop() {
		if changes := Diff(old, now); len(changes) != benchServices {
			b.Fatalf("%d changes", len(changes))
		}
	}
}

func BenchmarkNamesOnly5000(b *testing.B) {
	path := filepath.Join(b.TempDir(), "supd.toml")
	if err := os.WriteFile(path, []byte(largeConfig(benchServices)), 0o644); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if n, err := NamesOnly(path); err != nil || len(n.Services) != benchServices {
			b.Fatal(len(n.Services), err)
		}
	}
}
