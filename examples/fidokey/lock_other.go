//go:build !unix

package main

import "os"

// lockFile opens a file. On this system it does not keep other programs out.
func lockFile(path string) (*os.File, error) { return os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) }
