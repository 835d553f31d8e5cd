package virtual

// u2fOffered reports whether the key speaks U2F now.
func (k *Key) u2fOffered() bool { return false }
