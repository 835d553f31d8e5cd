// Package order is what the host and process 1 of its virtual machine have
// agreed on.
package order

// Path is the file in the guest that holds the [Order] as JSON.
const Path = "/vm/order.json"

// Order tells process 1 what to do.
type Order struct {
	Argv        []string // the program and its arguments
	Environment []string // NAME=value
	Modules     []Module // in the order of loading
}

// Module is one kernel module to load.
type Module struct {
	File       string // its path in the guest
	Parameters string // as modprobe would take them
}

// ExitPort is the I/O port of QEMU's isa-debug-exit device: a byte written
// there ends QEMU with the exit status byte*2 + 1.
const ExitPort = 0xf4

// NotRun is the status of a program that could not be started, was killed by
// a signal, or exited with a status of 126 or more, which the device can't
// carry. The console says which.
const NotRun = 126

// Encode returns the byte for [ExitPort] that stands for an exit status.
func Encode(status int) byte {
	if status < 0 || status > NotRun {
		status = NotRun
	}
	// Not the status itself: QEMU also ends with 1, which is what a byte of 0
	// comes to, when it can't start a machine.
	return byte(status + 1)
}

// Status is the inverse of [Encode] and takes QEMU's exit status. It returns
// false when QEMU ended in another way.
func Status(qemu int) (status int, ok bool) {
	if qemu <= 1 || qemu%2 == 0 {
		return 0, false
	}
	return qemu/2 - 1, true
}
