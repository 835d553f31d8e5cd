package hidraw

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"github.com/gofido/fido/ctaphid/hid"
)

// errNotHidraw is what Open says of any other file.
var errNotHidraw error = notHidraw{}

// notHidraw is a [hid.ErrNotFIDO] in other words: the file is no HID device at all.
type notHidraw struct{}

func (notHidraw) Error() string {
	return "it is not a hidraw device; FIDO keys are at /dev/hidraw0, /dev/hidraw1 and so on"
}

func (notHidraw) Is(target error) bool { return target == hid.ErrNotFIDO }

// Open opens the key at a path as [List] gives it. ctx ends the wait for the
// lock; it has no say once Open has returned.
//
// The error is a [*hid.AccessError], which tells what to do, or a *os.PathError
// around fs.ErrNotExist, [hid.ErrNotFIDO], a [*hid.SizeError] or [ErrLocked]. If
// the kernel does not tell the report descriptor, the key is taken to have
// reports of 64 bytes, as nearly all have.
func Open(ctx context.Context, path string, o *Options) (*Device, error) {
	if o == nil {
		o = &Options{}
	}
	d, err := open(path, o.Lock)
	if errors.Is(err, fs.ErrPermission) {
		return nil, hid.NewAccessError(path, err)
	}
	if err != nil {
		return nil, hid.NewOpenError(path, err)
	}
	if o.Lock == LockOpen {
		waited, err := acquire(ctx, d.closed, d.tryLock)
		if err == nil && waited {
			err = d.drain() // what came for the program that had the lock
		}
		if err != nil {
			d.Close()
			return nil, hid.NewOpenError(path, err)
		}
	}
	return d, nil
}

func open(path string, lock Lock) (*Device, error) {
	fd, err := openat(path)
	if err != nil {
		if err == unix.ENODEV {
			err = failure(err)
		}
		return nil, err
	}
	desc, raw, info, err := describe(fd)
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	d := newDevice(os.NewFile(uintptr(fd), path), desc, lock)
	d.raw, d.vendor, d.product = raw, uint16(info.Vendor), uint16(info.Product)
	return d, nil
}

func openat(path string) (int, error) {
	for {
		fd, err := unix.Open(path, unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
		if err != unix.EINTR {
			return fd, err
		}
	}
}

// describe returns what the descriptor of an open hidraw node says, the descriptor
// itself if the kernel tells it, and what device it is, or why the node is of no use.
func describe(fd int) (desc hid.Descriptor, b []byte, info *unix.HIDRawDevInfo, err error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return desc, nil, nil, err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFCHR {
		return desc, nil, nil, errNotHidraw
	}
	if info, err = unix.IoctlHIDGetRawInfo(fd); err != nil {
		if err == unix.ENODEV {
			return desc, nil, nil, failure(err)
		}
		return desc, nil, nil, errNotHidraw
	}
	var raw unix.HIDRawReportDescriptor
	size, err := unix.IoctlGetUint32(fd, unix.HIDIOCGRDESCSIZE)
	if err == nil {
		raw.Size = min(size, uint32(len(raw.Value)))
		err = unix.IoctlHIDGetDesc(fd, &raw)
	}
	if err != nil {
		return hid.Descriptor{FIDO: true, In: 64, Out: 64}, nil, info, nil
	}
	b = bytes.Clone(raw.Value[:raw.Size])
	if desc, err = hid.ParseDescriptor(b); err == nil {
		err = desc.Check()
	}
	return desc, b, info, err
}
