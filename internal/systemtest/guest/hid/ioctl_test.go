//go:build guest

package hid

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

func ioctlPtr(f *os.File, request uintptr, p []byte) error {
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, f.Fd(), request, uintptr(unsafe.Pointer(&p[0]))); errno != 0 {
		return errno
	}
	return nil
}
