// Package pcsc reaches keys in card readers: NFC readers, contact readers, and
// keys that show a smart card over USB. It is the card seam over PC/SC, the
// service of the operating system for smart cards.
//
// On Linux and FreeBSD it speaks to the daemon pcscd itself, over its socket: no
// C library and no cgo. With the build tag scard, and on Windows and macOS, it goes
// through the system's library with github.com/ebfe/scard, which needs cgo except
// on Windows.
//
//	readers, err := pcsc.List(ctx)
//	card, err := pcsc.Open(ctx, readers[0].Name, nil)
//	conn, err := nfc.Open(ctx, card, nil)
//
// The NFC stack of the Linux kernel (AF_NFC) is another thing, and not used: several
// readers misbehave with it. A reader that the kernel has for itself, as with the module
// pn533_usb, is not seen by pcscd: unload that module.
package pcsc
