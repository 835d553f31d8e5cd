// Package uhid makes a software key a HID device of the Linux kernel, by way
// of /dev/uhid: it gets a /dev/hidraw node like a key that is plugged in, and
// browsers, ssh and libfido2 can use it. It needs no cgo, but permission to open
// /dev/uhid, as a rule root's, and the kernel module uhid.
//
//	dev, err := uhid.Create(nil)
//	…
//	err = server.Serve(ctx, dev)
//
// # No flow control
//
// Neither direction waits for the reader. What the host writes goes to a queue
// of 31 reports in the kernel, what the key writes to a queue of 64 for each
// program that has the node open, and what finds its queue full is lost.
//
//   - Towards the key, 31 reports are a message of 1,827 bytes. A key behind
//     uhid therefore announces [MaxMessage], 1,800 bytes, as its maxMsgSize, and
//     refuses longer messages (ServerConfig.MaxMessage).
//   - Towards the host, WriteReport makes a pause of 5 ms after each 32 reports
//     that follow one another closely. Only messages of more than 1,886 bytes,
//     which are longer than any reply to a CTAP2 request that fits, get one.
//
// On other systems than Linux, Create returns an error that is
// errors.ErrUnsupported.
package uhid
