package cbor

// Split returns the first well-formed item of data and what follows it; both share memory with data. It is for
// places where items stand one behind the other: in authenticator data a COSE key is followed by the map of extension
// outputs (WebAuthn section 6.1). The item need not be canonical. If there is no well-formed item, or it breaks a
// hard bound, the error is a *SyntaxError.
func Split(data []byte) (item, rest []byte, err error) {
	s := scanner{data: data, quiet: true}
	if !s.item(0) {
		return nil, nil, s.err()
	}
	return data[:s.off:s.off], data[s.off:], nil
}
