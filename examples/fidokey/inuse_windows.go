package main

import "syscall"

// errInUse is WSAEADDRINUSE: Windows' sockets have errors of their own.
const errInUse = syscall.Errno(10048)
