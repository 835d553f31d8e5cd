package iso7816

// MaxResponseData is the most bytes of data in a response.
const MaxResponseData = 65536

// A Response is a response APDU: data, possibly none, and a status word.
type Response struct {
	// Data is up to MaxResponseData bytes. In a parsed response it refers to
	// the memory of what was parsed, and is nil if there is none.
	Data []byte

	SW StatusWord
}

// Append appends the encoded response to dst. Data of more than
// [MaxResponseData] bytes makes what [ParseResponse] refuses.
func (r Response) Append(dst []byte) []byte { return r.SW.Append(append(dst, r.Data...)) }

// Err returns nil if SW is [SWNoError], else SW.
func (r Response) Err() error {
	if r.SW == SWNoError {
		return nil
	}
	return r.SW
}

// ParseResponse decodes a response APDU, which must be all of b. The error is a
// *[SyntaxError].
func ParseResponse(b []byte) (Response, error) {
	n := len(b) - 2
	switch {
	case n < 0:
		return Response{}, &SyntaxError{Problem: NoStatusWord, Len: len(b)}
	case n > MaxResponseData:
		return Response{}, &SyntaxError{Problem: ResponseTooLong, Len: len(b)}
	}
	r := Response{SW: StatusWord(b[n])<<8 | StatusWord(b[n+1])}
	if n > 0 {
		r.Data = b[:n:n]
	}
	return r, nil
}
