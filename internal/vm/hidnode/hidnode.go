//go:build linux

// Package hidnode waits for the kernel to make and remove the device nodes of
// HID devices. It is for programs that run in package vm's virtual machine,
// where no udev names them.
package hidnode

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// Wait returns the path of the hidraw node of the HID device with the given
// unique name: the uniq of a uhid device, the serial number of a USB device.
// It returns as soon as the node is there, or when ctx ends.
func Wait(ctx context.Context, uniq string) (path string, err error) {
	err = watch(ctx, unix.IN_CREATE, func() bool {
		path = find(uniq)
		return path != ""
	})
	if err != nil {
		return "", fmt.Errorf("wait for the hidraw node of %q: %w", uniq, err)
	}
	return path, nil
}

// WaitGone returns as soon as the node is no longer there, or when ctx ends.
func WaitGone(ctx context.Context, path string) error {
	err := watch(ctx, unix.IN_DELETE, func() bool {
		_, err := os.Lstat(path)
		return errors.Is(err, os.ErrNotExist)
	})
	if err != nil {
		return fmt.Errorf("wait until %s is gone: %w", path, err)
	}
	return nil
}

// find looks through sysfs, where a device is complete before its node is made.
func find(uniq string) string {
	classes, _ := filepath.Glob("/sys/class/hidraw/hidraw*")
	for _, class := range classes {
		properties, err := os.ReadFile(filepath.Join(class, "device/uevent"))
		if err != nil {
			continue // unplugged since
		}
		node := filepath.Join("/dev", filepath.Base(class))
		if _, err := os.Lstat(node); err != nil {
			continue
		}
		for line := range bytes.Lines(properties) {
			if string(bytes.TrimSpace(line)) == "HID_UNIQ="+uniq {
				return node
			}
		}
	}
	return ""
}

// watch calls done now and after every event of the kind in /dev until it is true.
func watch(ctx context.Context, events uint32, done func() bool) error {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return err
	}
	f := os.NewFile(uintptr(fd), "inotify")
	defer f.Close()
	if _, err := unix.InotifyAddWatch(fd, "/dev", events); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { f.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	event := make([]byte, 4096)
	for !done() {
		if _, err := f.Read(event); err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return err
		}
	}
	return nil
}
