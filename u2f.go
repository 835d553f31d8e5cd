package fido

// U2F reports whether the key knows no CTAP2, as far as it has shown: the
// methods of the Client are then carried out by U2F where that can be, see
// [ctap2.U2FMapping].
func (k *Key) U2F() bool { return k.transport.u2f.Load() }
