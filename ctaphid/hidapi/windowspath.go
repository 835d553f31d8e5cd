package hidapi

import (
	"strconv"
	"strings"
)

// idsInPath returns the vendor and product ID in a Windows device path such as
// \\?\hid#vid_1050&pid_0407&mi_01#8&1f6c3b2&0&0000#{…}, or zeros.
func idsInPath(path string) (vendor, product uint16) {
	path = strings.ToLower(path)
	return idAfter(path, "vid_"), idAfter(path, "pid_")
}

func idAfter(path, prefix string) uint16 {
	_, rest, ok := strings.Cut(path, prefix)
	if !ok || len(rest) < 4 {
		return 0
	}
	n, err := strconv.ParseUint(rest[:4], 16, 16)
	if err != nil {
		return 0
	}
	return uint16(n)
}
