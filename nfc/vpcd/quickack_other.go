//go:build !linux

package vpcd

import "net"

// quickAck does nothing: other systems have no such option.
func quickAck(net.Conn) {}
