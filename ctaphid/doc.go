// Package ctaphid speaks CTAPHID, the protocol that carries FIDO messages in
// the reports of a USB HID device (CTAP 2.3 section 11.2): framing, channels,
// keepalives, cancellation and errors, for both ends of the cable.
//
// # Packets
//
// A message is cut into reports of one size, 64 bytes on nearly every key. The
// first is an initialization packet, the others are continuation packets with
// a sequence number; bit 7 of the fifth byte tells them apart.
//
//	initialization   CID[4]  CMD|0x80  BCNT[2]  DATA[size-7]
//	continuation     CID[4]  SEQ       DATA[size-5]
//
// [AppendPacket] writes packets, [ParsePacket] reads one and [Assembler] joins
// them again; all three are pure: no I/O, no clock, no goroutine. Both ends,
// the benchmarks and the fuzz targets share them.
//
// # The two ends
//
// A [Conn] is the host's end: it allocates a channel on a [Device] and offers
// a method for each command. A [Server] is the key's end: it answers reports
// on behalf of a [Handler], arbitrates between channels, sends keepalives and
// keeps the time limits. [Loopback] joins the two in memory.
//
// A [Device] is one HID device opened for reports. The packages hidraw, hidapi
// and udphid open real ones, uhid gives a Server a place in the kernel, and
// package ctaphidtest has scripted and faulty ones for tests.
package ctaphid
