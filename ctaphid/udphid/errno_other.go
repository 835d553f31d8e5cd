//go:build !unix && !windows

package udphid

func isRefused(error) bool { return false }
func isTooLong(error) bool { return false }
func isInUse(error) bool   { return false }
