//go:build !linux && !windows

package hid

func advice(error) string {
	return "Run the program as an administrator, or give your account access to the device."
}
