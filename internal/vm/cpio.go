//go:build linux

package vm

import (
	"fmt"
	"io"
)

// File types in the mode of a cpio entry, as in stat(2).
const (
	modeDirectory = 0o040000
	modeRegular   = 0o100000
	modeSymlink   = 0o120000
	modeCharacter = 0o020000
)

// cpioWriter writes the archive format that the kernel unpacks as initramfs:
// "newc", described in the kernel's
// Documentation/driver-api/early-userspace/buffer-format.rst. Every file
// belongs to root and has no time.
type cpioWriter struct {
	w      io.Writer
	offset int64
	inode  uint32
	err    error
}

// cpioHeader is what differs from one entry to the next.
type cpioHeader struct {
	name         string // without a leading slash
	mode         uint32
	size         int64
	major, minor uint32 // of a device node
}

// entry writes one header and its contents. contents must hold exactly
// h.size bytes; nil stands for none.
func (c *cpioWriter) entry(h cpioHeader, contents io.Reader) {
	if c.err != nil {
		return
	}
	if h.size < 0 || h.size >= 1<<32 {
		c.err = fmt.Errorf("cpio: %s: %d bytes do not fit the format", h.name, h.size)
		return
	}
	c.inode++
	c.printf("070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00",
		c.inode, h.mode, 0, 0, // owner and group
		1, 0, // links, time
		h.size, 0, 0, // contents, device that held the file
		h.major, h.minor, len(h.name)+1, 0, // no checksum in this format
		h.name)
	c.pad()
	if contents != nil && c.err == nil {
		n, err := io.Copy(c.w, io.LimitReader(contents, h.size))
		c.offset += n
		if err == nil && n != h.size {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			c.err = fmt.Errorf("cpio: %s: %w", h.name, err)
		}
	}
	c.pad()
}

// close writes the end of the archive and returns the first error of any
// entry.
func (c *cpioWriter) close() error {
	c.entry(cpioHeader{name: "TRAILER!!!"}, nil)
	return c.err
}

// pad fills up to the next multiple of four.
func (c *cpioWriter) pad() {
	c.printf("%s", "\x00\x00\x00"[:(4-c.offset%4)%4])
}

func (c *cpioWriter) printf(format string, args ...any) {
	if c.err != nil {
		return
	}
	n, err := fmt.Fprintf(c.w, format, args...)
	c.offset += int64(n)
	c.err = err
}
