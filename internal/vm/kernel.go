//go:build linux

package vm

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// Kernel is a Linux kernel that QEMU can boot, with its modules and the
// process 1 of this package.
type Kernel struct {
	// Version is the kernel's release as uname -r would print it.
	Version string

	dir  string // vmlinux, modules.builtin and the folder modules
	init []byte // the program internal/vm/init
}

// Prepare returns the kernel that Debian's linux-image-amd64 depends on. The
// first call downloads the package (70 MB) with apt-get, without installing
// it, and unpacks it into the folder gofido/kernel under [os.UserCacheDir];
// later calls take it from there. Processes that call Prepare at the same time
// take turns.
func Prepare(ctx context.Context) (*Kernel, error) {
	if runtime.GOARCH != "amd64" {
		return nil, fmt.Errorf("vm: the virtual machine runs programs of the host, so it needs an amd64 host: %w", errors.ErrUnsupported)
	}
	cache, err := kernelCache()
	if err != nil {
		return nil, fmt.Errorf("vm: %w", err)
	}
	pkg, err := kernelPackage(ctx)
	if err != nil {
		return nil, fmt.Errorf("vm: %w", err)
	}
	k := &Kernel{Version: strings.TrimPrefix(pkg, packagePrefix), dir: filepath.Join(cache, pkg)}
	unlock, err := lock(ctx, filepath.Join(cache, "lock"))
	if err != nil {
		return nil, fmt.Errorf("vm: %w", err)
	}
	defer unlock()
	if _, err := os.Stat(k.dir); errors.Is(err, os.ErrNotExist) {
		if err := fetchKernel(ctx, pkg, k.dir); err != nil {
			return nil, fmt.Errorf("vm: fetch Debian's kernel: %w", err)
		}
	} else if err != nil {
		return nil, fmt.Errorf("vm: %w", err)
	}
	k.init, err = buildInit(ctx, cache)
	if err != nil {
		return nil, fmt.Errorf("vm: %w", err)
	}
	return k, nil
}

// buildInit builds process 1 beside the kernel, where the go command finds it
// again when nothing has changed. The caller holds the cache's lock.
func buildInit(ctx context.Context, cache string) ([]byte, error) {
	p, err := BuildProgram(ctx, cache, "github.com/gofido/fido/internal/vm/init")
	if err != nil {
		return nil, err
	}
	return os.ReadFile(p)
}

// kernelPackage returns the package with the current kernel, such as
// linux-image-6.1.0-56-amd64.
func kernelPackage(ctx context.Context) (string, error) {
	out, err := command(ctx, "apt-cache", "depends", "--important", "linux-image-amd64")
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(out)) {
		name, ok := strings.CutPrefix(strings.TrimSpace(line), "Depends: ")
		if ok && strings.HasPrefix(name, packagePrefix) && !strings.ContainsAny(name, "/<>") {
			return name, nil
		}
	}
	return "", errors.New("apt knows no package linux-image-amd64; this needs Debian, after apt-get update")
}

// fetchKernel downloads pkg and makes the folder dir from it, whole or not at
// all.
func fetchKernel(ctx context.Context, pkg, dir string) error {
	tmp, err := os.MkdirTemp(filepath.Dir(dir), "new-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	download := exec.CommandContext(ctx, "apt-get", "-q", "download", pkg)
	download.Dir = tmp
	if out, err := download.CombinedOutput(); err != nil {
		return fmt.Errorf("apt-get download %s (an old package list? try apt-get update): %w\n%s", pkg, err, out)
	}
	debs, err := filepath.Glob(filepath.Join(tmp, "*.deb"))
	if err != nil {
		return err
	}
	if len(debs) != 1 {
		return fmt.Errorf("apt-get download %s left %d packages", pkg, len(debs))
	}
	unpacked := filepath.Join(tmp, "kernel")
	if err := unpackKernel(ctx, debs[0], unpacked); err != nil {
		return err
	}
	image, err := os.ReadFile(filepath.Join(unpacked, "vmlinuz"))
	if err != nil {
		return err
	}
	elfImage, err := vmlinux(ctx, image)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(unpacked, "vmlinux"), elfImage, 0o644); err != nil {
		return err
	}
	return os.Rename(unpacked, dir)
}

// notNeeded are the large parts of the package that no test machine has a
// device for.
var notNeeded = []string{
	"kernel/sound/", "kernel/drivers/gpu/", "kernel/drivers/net/", "kernel/drivers/media/",
	"kernel/drivers/infiniband/", "kernel/drivers/scsi/", "kernel/drivers/iio/", "kernel/drivers/staging/",
}

// unpackKernel writes the boot image as dir/vmlinuz, the modules flat into
// dir/modules, and the list of what is built in as dir/modules.builtin.
func unpackKernel(ctx context.Context, deb, dir string) error {
	modules := filepath.Join(dir, "modules")
	if err := os.MkdirAll(modules, 0o755); err != nil {
		return err
	}
	unpack := exec.CommandContext(ctx, "dpkg-deb", "--fsys-tarfile", deb)
	var stderr bytes.Buffer
	unpack.Stderr = &stderr
	stream, err := unpack.StdoutPipe()
	if err != nil {
		return err
	}
	if err := unpack.Start(); err != nil {
		return err
	}
	readErr := func() error {
		files := tar.NewReader(stream)
		for {
			h, err := files.Next()
			if err == io.EOF {
				_, err := io.Copy(io.Discard, stream) // the padding, so that dpkg-deb is not cut off
				return err
			}
			if err != nil {
				return err
			}
			if to := kernelFile(h.Name); h.Typeflag == tar.TypeReg && to != "" {
				if err := writeNew(filepath.Join(dir, to), files); err != nil {
					return err
				}
			}
		}
	}()
	if readErr != nil {
		unpack.Process.Kill()
	}
	if err := unpack.Wait(); err != nil && readErr == nil {
		return fmt.Errorf("dpkg-deb --fsys-tarfile: %w\n%s", err, stderr.Bytes())
	}
	return readErr
}

// kernelFile says where a file of the package goes, relative to the kernel's
// folder, or "" for nowhere.
func kernelFile(name string) string {
	name = strings.TrimPrefix(strings.TrimPrefix(name, "./"), "usr/")
	if strings.HasPrefix(name, "boot/vmlinuz-") {
		return "vmlinuz"
	}
	rest, ok := strings.CutPrefix(name, "lib/modules/")
	if !ok {
		return ""
	}
	_, rest, _ = strings.Cut(rest, "/")
	if rest == "modules.builtin" {
		return rest
	}
	base := rest[strings.LastIndexByte(rest, '/')+1:]
	if !strings.HasSuffix(base, ".ko") && !strings.HasSuffix(base, ".ko.xz") {
		return ""
	}
	for _, prefix := range notNeeded {
		if strings.HasPrefix(rest, prefix) {
			return ""
		}
	}
	return "modules/" + base
}

func writeNew(path string, from io.Reader) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	if _, err := io.Copy(f, from); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// command runs a program of the host and returns its standard output. Its
// error holds what the program said.
func command(ctx context.Context, name string, args ...string) ([]byte, error) {
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, stderr.Bytes())
	}
	return stdout.Bytes(), nil
}
