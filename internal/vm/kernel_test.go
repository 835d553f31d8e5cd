//go:build linux

package vm

import (
	"bytes"
	"strings"
	"testing"
)

func TestKernelFile(t *testing.T) {
	const modules = "./lib/modules/6.1.0-56-amd64/"
	for _, tt := range []struct{ name, path, want string }{
		{"boot image", "./boot/vmlinuz-6.1.0-56-amd64", "vmlinuz"},
		{"other file of /boot", "./boot/System.map-6.1.0-56-amd64", ""},
		{"module", modules + "kernel/drivers/hid/uhid.ko", "modules/uhid.ko"},
		{"packed module under /usr", "./usr/lib/modules/6.12.1-amd64/kernel/drivers/hid/uhid.ko.xz", "modules/uhid.ko.xz"},
		{"module that nobody needs", modules + "kernel/sound/soundcore.ko", ""},
		{"what is built in", modules + "modules.builtin", "modules.builtin"},
		{"other list", modules + "modules.order", ""},
		{"documentation", "./usr/share/doc/linux-image/changelog.gz", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := kernelFile(tt.path); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestVmlinuxRefuses(t *testing.T) {
	image := func(change func([]byte)) []byte {
		b := make([]byte, 0x1000)
		copy(b[0x202:], "HdrS")
		b[0x206], b[0x207] = 0x0f, 0x02
		b[0x249] = 0x01 // payload at 0x100 after the 512 bytes of setup
		b[0x24c] = 0x80 // 128 bytes long
		change(b)
		return b
	}
	for _, tt := range []struct {
		name string
		in   []byte
		want string
	}{
		{"nothing", nil, "not a bzImage"},
		{"no magic", image(func(b []byte) { b[0x202] = 0 }), "not a bzImage"},
		{"old protocol", image(func(b []byte) { b[0x206] = 7 }), "does not say where"},
		{"payload beyond the end", image(func(b []byte) { b[0x24f] = 0xff }), "cut off"},
		{"payload too short", image(func(b []byte) { b[0x24c] = 3 }), "cut off"},
		{"packed otherwise", image(func(b []byte) { copy(b[0x300:], "\x28\xb5\x2f\xfd") }), "not packed with xz"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := vmlinux(t.Context(), tt.in)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %d bytes and %v, want an error with %q", len(got), err, tt.want)
			}
		})
	}
}

func TestModuleDependenciesRefuse(t *testing.T) {
	for _, contents := range [][]byte{nil, []byte("no ELF"), bytes.Repeat([]byte{0x7f}, 100)} {
		if got, err := moduleDependencies(contents); err == nil {
			t.Errorf("%q depends on %q", contents, got)
		}
	}
}
