//go:build (linux || freebsd) && scard && cgo && !system

package pcsc

// resetMayWait says that the service may have a reset wait for another program.
const resetMayWait = true // as on Windows
