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

// An outputError says that a command could not tell its result, whatever it has
// done.
type outputError struct{ error }

func (e outputError) Unwrap() error { return e.error }

func (e outputError) Error() string {
	return "the result could not be written to standard output, though the command may have done its work: " + e.error.Error()
}

// streamOf returns the stream itself that is behind standard output.
func streamOf(stream any) any {
	if o, ok := stream.(*output); ok {
		return o.Writer
	}
	return stream
}
