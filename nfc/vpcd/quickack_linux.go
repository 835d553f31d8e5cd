package vpcd

import (
	"net"

	"golang.org/x/sys/unix"
)

// quickAck has the next segments that arrive acknowledged at once. The kernel
// forgets it again, therefore it is said before each read.
func quickAck(c net.Conn) {
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return
	}
	raw.Control(func(fd uintptr) {
		unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK, 1) // without it, it is slower and nothing else
	})
}
