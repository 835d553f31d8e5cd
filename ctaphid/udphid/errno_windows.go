package udphid

import (
	"errors"

	"golang.org/x/sys/windows"
)

// isRefused says that an earlier datagram found nobody.
func isRefused(err error) bool {
	return errors.Is(err, windows.WSAECONNRESET) || errors.Is(err, windows.WSAECONNREFUSED)
}

// isTooLong says that a datagram did not fit.
func isTooLong(err error) bool { return errors.Is(err, windows.WSAEMSGSIZE) }

func isInUse(err error) bool { return errors.Is(err, windows.WSAEADDRINUSE) }
