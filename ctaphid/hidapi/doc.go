// Package hidapi opens FIDO keys by way of the C library HIDAPI, which
// github.com/sstallion/go-hid brings along: it is for macOS, Windows and
// FreeBSD, where a HID device can't be had without cgo. On Linux, package hidraw
// does more without it; there, the build tag hidapi makes this package work too
// (and needs Debian's libudev-dev).
//
// In a build without cgo the package is there, but its functions return an
// error that is errors.ErrUnsupported.
//
// # What differs between systems
//
// On macOS a key is opened so that other programs can have it open at the same
// time; CTAPHID's channels keep them apart.
//
// Windows lets only administrators open FIDO keys. [List] shows a key that this
// program may not open, with an Access error that says so, but only its IDs are
// known.
//
// On FreeBSD, HIDAPI does not know what a device is for until it is opened,
// which takes it away from the kernel's driver; that is no way to look at
// keyboards. List therefore finds nothing there. Open takes a path of HIDAPI's.
//
// # Time
//
// HIDAPI can't be interrupted, so ReadReport asks it for reports in slices of
// [Slice]: a deadline that is moved, and Close, take effect after at most that
// long. Nothing runs between calls.
package hidapi
