//go:build !windows

package pcsc

// controlCode makes the code of a reader's function.
func controlCode(function uint32) uint32 { return 0x42000000 + function }
