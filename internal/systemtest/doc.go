// Package systemtest runs tests in a virtual machine that has what the library
// is for: the Linux kernel's HID stack with a key on it, and the programs that
// people use keys with.
//
//	go test -count=1 -tags system ./internal/systemtest
//
// Without the tag the package has no such test, so a plain go test passes
// anywhere. With it everything must be there (go run ./internal/check -install
// sees to that); nothing is skipped.
//
// A system test has two halves. The guest half is an ordinary Go test with
// the build tag guest, in a package of its own under guest/, whose TestMain
// calls guest.Main. The host half compiles that package, starts a machine
// (internal/vm) with it, and repeats what it said as subtests: TestGuest/hid/TestBoot.
//
// # Adding a test
//
// To a machine that exists: write the test into one of the packages under
// guest/. It is root, plugs a software key in with guest.NewKey (or makes devices
// with ctaphid/uhid and internal/vm/gadget, and waits for their nodes with
// internal/vm/hidnode), and runs programs of the machine's root with os/exec. What
// such a program says of a key is compared with what our client reads: package ours.
// Each waits with guest.Context, never for a time.
//
// With other modules, programs or memory: make a new package under guest/
// (copy a TestMain) and add a line to the table in machines_test.go. A
// package that is in no line fails the host half.
//
// With tests that live elsewhere: add a line whose package is their import path and
// whose tag is theirs; any package's tests can run in a machine.
//
// While working on one test:
//
//	go test -count=1 -tags system ./internal/systemtest -run TestGuest/hid -v -args -guest.run TestUHID
package systemtest
