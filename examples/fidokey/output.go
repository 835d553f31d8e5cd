package main

import "io"

// An output is standard output, which remembers what has gone wrong with it: a
// result that is cut off is no success, whatever wrote it.
type output struct {
	io.Writer
	err error
}

func (o *output) Write(p []byte) (int, error) {
	if o.err != nil {
		return 0, o.err
	}
	n, err := o.Writer.Write(p)
	o.err = err
	return n, err
}

// streamOf returns the stream itself that is behind standard output.
func streamOf(stream any) any {
	if o, ok := stream.(*output); ok {
		return o.Writer
	}
	return stream
}
