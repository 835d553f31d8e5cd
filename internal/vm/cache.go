package vm

import (
	"os"
	"path/filepath"
)

// packagePrefix is how the names of Debian's kernel packages begin.
const packagePrefix = "linux-image-"

// kernelCache returns the folder in which kernels are kept.
func kernelCache() (string, error) {
	dir, err := os.UserCacheDir()
	return filepath.Join(dir, "gofido", "kernel"), err
}

// KernelCached reports whether there is a kernel from an earlier Prepare. If
// there is none, Prepare needs an up-to-date list of Debian packages.
func KernelCached() bool {
	dir, err := kernelCache()
	if err != nil {
		return false
	}
	kernels, _ := filepath.Glob(filepath.Join(dir, packagePrefix+"*"))
	return len(kernels) > 0
}
