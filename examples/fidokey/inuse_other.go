//go:build !windows

package main

import "syscall"

// errInUse says that another program has an address.
const errInUse = syscall.EADDRINUSE
