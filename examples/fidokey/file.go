package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// unusable says why a file that the user has named can't be opened.
func unusable(name string, err error) error {
	var why string
	_, lost := os.Stat(filepath.Dir(name))
	switch path, ok := errors.AsType[*fs.PathError](err); {
	case errors.Is(err, fs.ErrNotExist) && errors.Is(lost, fs.ErrNotExist):
		why = fmt.Sprintf("there is no folder %s", quoted(filepath.Dir(name)))
	case errors.Is(err, fs.ErrNotExist):
		why = fmt.Sprintf("there is no file %s", quoted(name))
	case errors.Is(err, fs.ErrPermission):
		why = fmt.Sprintf("this program may not open the file %s", quoted(name))
	case ok:
		why = fmt.Sprintf("the file %s can't be used: %v", quoted(name), path.Err)
	default:
		why = fmt.Sprintf("the file %s can't be used: %v", quoted(name), err)
	}
	return &advice{exitFailed, why, err}
}
