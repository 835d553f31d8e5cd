//go:build linux

package vm

import (
	"bytes"
	"context"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"os/exec"
)

// vmlinux returns the ELF image that is packed into a bzImage. QEMU starts it
// through its PVH entry, which spares the emulated processor the unpacking:
// 2 to 3 s of every boot.
//
// The offsets are those of "The Linux/x86 Boot Protocol", version 2.08
// (Documentation/x86/boot.rst of the kernel).
func vmlinux(ctx context.Context, bzImage []byte) ([]byte, error) {
	const (
		setupSectors  = 0x1f1
		magic         = 0x202
		version       = 0x206
		payloadOffset = 0x248
		payloadLength = 0x24c
		headerEnd     = 0x250
		sector        = 512
	)
	if len(bzImage) < headerEnd || string(bzImage[magic:magic+4]) != "HdrS" {
		return nil, errors.New("the kernel image is not a bzImage")
	}
	if v := binary.LittleEndian.Uint16(bzImage[version:]); v < 0x0208 {
		return nil, fmt.Errorf("the kernel image has boot protocol %#x and does not say where its payload is", v)
	}
	setup := (int64(bzImage[setupSectors]) + 1) * sector
	start := setup + int64(binary.LittleEndian.Uint32(bzImage[payloadOffset:]))
	end := start + int64(binary.LittleEndian.Uint32(bzImage[payloadLength:]))
	if end > int64(len(bzImage)) || end-start < 4 {
		return nil, errors.New("the kernel image is cut off")
	}
	payload := bzImage[start : end-4] // the last four bytes are the unpacked size
	if !bytes.HasPrefix(payload, []byte("\xfd7zXZ\x00")) {
		return nil, errors.New("the kernel image is not packed with xz")
	}
	image, err := unxz(ctx, payload)
	if err != nil {
		return nil, err
	}
	if !bytes.HasPrefix(image, []byte(elf.ELFMAG)) {
		return nil, errors.New("the kernel image does not hold an ELF file")
	}
	return image, nil
}

// unxz unpacks xz data with the program of that name.
func unxz(ctx context.Context, packed []byte) ([]byte, error) {
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, "xz", "--decompress", "--stdout")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(packed), &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("xz (package xz-utils): %w\n%s", err, stderr.Bytes())
	}
	return stdout.Bytes(), nil
}
