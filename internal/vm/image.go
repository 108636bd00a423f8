package vm

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// kernelDir is where internal/ci/install.sh unpacks Debian's kernel package: it is
// not installed, so no boot loader hears of it.
const kernelDir = "/var/cache/supd-tests/kernel"

// modules are what the kernel needs to see its disk, each after what it leans on.
var modules = [...]string{"virtio/virtio_ring", "virtio/virtio", "virtio/virtio_pci_modern_dev", "virtio/virtio_pci_legacy_dev",
	"virtio/virtio_pci", "block/virtio_blk"}

// Image is what a machine boots: kernel and initramfs. Any number of machines may
// boot the same one.
type Image struct{ kernel, initrd string }

// NewImage builds supd, supctl and the guest's program from the module that the
// caller's directory lies in, and packs them. What it makes is in dir.
func NewImage(dir string) (*Image, error) {
	kernel, err := one(kernelDir + "/boot/vmlinuz-*")
	if err != nil {
		return nil, err
	}
	img := &Image{kernel: kernel, initrd: filepath.Join(dir, "initrd")}
	out, err := os.Create(img.initrd)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	buf := bufio.NewWriterSize(out, 1<<20)
	a := archive{w: buf}
	for _, d := range []string{"bin", "dev", "proc", "sys", "etc", "etc/supd", "tmp", "run", "var", "var/lib", "var/log", "modules"} {
		a.add(d, modeDir|0o755, nil)
	}
	a.add("etc/passwd", modeFile|0o644, []byte("root:x:0:0:root:/:/bin/guest\n"))
	a.add("etc/group", modeFile|0o644, []byte("root:x:0:\n"))
	for i, m := range modules {
		file, err := one(kernelDir + "/lib/modules/*/kernel/drivers/" + m + ".ko")
		if err != nil {
			return nil, err
		}
		a.addFile(fmt.Sprintf("modules/%02d.ko", i), file)
	}
	for name, pkg := range map[string]string{"init": "internal/vm/guest", "bin/supd": "cmd/supd", "bin/supctl": "cmd/supctl"} {
		program := filepath.Join(dir, filepath.Base(name))
		cmd := exec.Command("go", "build", "-ldflags", "-s -w", "-o", program, "github.com/supd/supd/"+pkg)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // the guest has no libc
		if text, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("cannot build %q: %w\n%s", pkg, err, text)
		}
		a.addFile(name, program)
	}
	a.add("TRAILER!!!", 0, nil)
	if a.err == nil {
		a.err = buf.Flush()
	}
	return img, a.err
}

// one is the only file of a pattern.
func one(pattern string) (string, error) {
	all, err := filepath.Glob(pattern)
	if err != nil || len(all) != 1 {
		return "", fmt.Errorf("cannot find %q: %d files; run internal/ci/install.sh", pattern, len(all))
	}
	return all[0], nil
}

// Kinds of file in a cpio archive, as in stat(2).
const modeDir, modeFile = 0o040000, 0o100000

// archive writes what the kernel unpacks as its first root: cpio in the "newc"
// format (Documentation/driver-api/early-userspace/buffer-format.rst). Not
// compressed: unpacking costs an emulated processor more than reading.
type archive struct {
	w   io.Writer
	ino int
	err error // the first; nothing is written after it
}

func (a *archive) add(name string, mode int, data []byte) {
	a.ino++
	head := fmt.Sprintf("070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00",
		a.ino, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name)+1, 0, name)
	a.put([]byte(head))
	a.put(data)
}

func (a *archive) addFile(name, file string) {
	data, err := os.ReadFile(file)
	if a.err == nil {
		a.err = err
	}
	a.add(name, modeFile|0o755, data)
}

// put writes and fills up to a multiple of four.
func (a *archive) put(b []byte) {
	if a.err != nil {
		return
	}
	if pad := -len(b) & 3; pad > 0 {
		b = append(b[:len(b):len(b)], make([]byte, pad)...)
	}
	_, a.err = a.w.Write(b)
}
