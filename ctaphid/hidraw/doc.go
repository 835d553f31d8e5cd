// Package hidraw opens FIDO keys through Linux's /dev/hidraw nodes, without
// cgo: a [Device] for package ctaphid, the list of the keys that are plugged in,
// and news of keys that come and go.
//
// [List] reads sysfs and opens nothing, so it also shows the keys that this
// program may not open, with the reason. [Open] opens one. [Watch] waits for
// the kernel to tell of changes; nothing polls.
//
// Several programs may have the same key open, and each then sees the reports
// for all. CTAPHID keeps their messages apart by channels, but the key works for
// one at a time. A [Lock] makes programs take turns before they get that far; it
// is the lock (flock) that libfido2 takes.
//
// The package builds everywhere. On other systems than Linux its functions
// return an error that is errors.ErrUnsupported; package hidapi serves there.
package hidraw
