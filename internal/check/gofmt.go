package main

import (
	"bytes"
	"context"
	"fmt"
	"go/format"
)

// stepGofmt formats with the library that gofmt is made of: the same version
// as the compiler's, wherever the program gofmt is.
func stepGofmt(_ context.Context, j *job) (string, error) {
	files, err := j.goFiles()
	if err != nil {
		return "", err
	}
	wrong := 0
	for _, name := range files {
		source, err := j.read(name)
		if err != nil {
			return "", err
		}
		formatted, err := format.Source(source)
		switch {
		case err != nil:
			fmt.Fprintf(j.log, "%s:%v\n", name, err)
			wrong++
		case !bytes.Equal(formatted, source):
			fmt.Fprintf(j.log, "gofmt -w %s\n", name)
			wrong++
		}
	}
	if wrong > 0 {
		return "", fmt.Errorf("%d of %d files are not formatted", wrong, len(files))
	}
	return fmt.Sprintf("%d files", len(files)), nil
}
