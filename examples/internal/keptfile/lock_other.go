//go:build !unix

package keptfile

import "os"

// Lock opens a file. On this system it does not keep other programs out.
func Lock(path string) (*os.File, error) { return os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) }
