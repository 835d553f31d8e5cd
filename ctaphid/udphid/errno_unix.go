//go:build unix

package udphid

import (
	"errors"
	"syscall"
)

// isRefused says that an earlier datagram found nobody.
func isRefused(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }

// isTooLong says that a datagram did not fit; Unix systems cut it off instead.
func isTooLong(error) bool { return false }

func isInUse(err error) bool { return errors.Is(err, syscall.EADDRINUSE) }
