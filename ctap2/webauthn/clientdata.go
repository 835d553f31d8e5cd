package webauthn

import (
	"encoding/base64"
	"fmt"
)

// ClientData is what the client vouches for: CollectedClientData (WebAuthn L3
// section 5.8.1).
type ClientData struct {
	Type        Ceremony
	Challenge   []byte // as the relying party gave it
	Origin      string
	CrossOrigin bool   // the origin is in a frame of another
	TopOrigin   string // the origin of the outermost page; empty unless CrossOrigin
}

// Append appends the JSON-compatible serialisation to dst, which is the only one
// that all verifiers understand (WebAuthn L3 section 5.8.1.1).
func (c *ClientData) Append(dst []byte) []byte {
	dst = append(dst, `{"type":`...)
	dst = appendCCD(dst, string(c.Type))
	dst = append(dst, `,"challenge":"`...)
	dst = base64.RawURLEncoding.AppendEncode(dst, c.Challenge)
	dst = append(dst, `","origin":`...)
	dst = appendCCD(dst, c.Origin)
	dst = fmt.Appendf(dst, `,"crossOrigin":%t`, c.CrossOrigin)
	if c.TopOrigin != "" {
		dst = append(dst, `,"topOrigin":`...)
		dst = appendCCD(dst, c.TopOrigin)
	}
	return append(dst, '}')
}

// appendCCD is the algorithm CCDToString. It escapes less than encoding/json.
func appendCCD(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r < ' ':
			dst = fmt.Appendf(dst, `\u%04x`, r)
		default:
			dst = append(dst, string(r)...)
		}
	}
	return append(dst, '"')
}
