// Package hid holds what the backends for HID devices share: how a device is
// described (an [Info], a report [Descriptor]) and why one can't be used
// (an [*AccessError], [ErrNotFIDO], a [*SizeError]). It opens nothing; that is
// done by packages hidraw, hidapi and uhid.
//
// # Report descriptors
//
// A HID device says in its report descriptor what its reports mean (Device
// Class Definition for HID 1.11, section 6.2.2). A FIDO key has a collection
// with the usage 0x01 of usage page 0xF1D0 in it, with one input and one
// output report of, nearly always, 64 bytes (CTAP 2.3 section 11.2.8).
// [ParseDescriptor] finds the collection and the sizes, [AppendDescriptor]
// writes the descriptor of a key.
package hid
