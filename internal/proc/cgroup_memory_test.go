package proc

import "testing"

func TestUnreclaimable(t *testing.T) {
	c := fakeCgroups(t, "memory")
	g := c.Generation("db", 1)
	if _, ok := g.Unreclaimable(); ok {
		t.Error("memory that is not counted is known")
	}
	write(t, g.Path, "memory.stat", "anon 1000\nfile 5000\nkernel 7\nshmem 200\nanon_thp 3\n")
	if n, ok := g.Unreclaimable(); !ok || n != 1200 {
		t.Errorf("%d %v, want 1200", n, ok)
	}
	if !c.Offers("memory") || c.Offers("mem") {
		t.Error("the controllers above are misread")
	}
}
