package hid

import (
	"errors"
	"io/fs"
	"syscall"
)

func advice(err error) string {
	switch {
	case errors.Is(err, syscall.EPERM):
		return "A container or sandbox keeps the device away: pass the device in, or run the program outside."
	case errors.Is(err, fs.ErrNotExist):
		return "The kernel has the key, but its node is missing: a container needs the node passed in, and a snap or flatpak the permission for security keys."
	}
	return "Desktops let in the person who is logged in at the screen. For ssh, services and systems without systemd's rule add a udev rule such as " +
		`KERNEL=="hidraw*", ATTRS{idVendor}=="1234", GROUP="plugdev", MODE="0660"` +
		" with the key's vendor ID, join the group and plug the key in again."
}
