package passkeys

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf16"
)

// maxListing is the most bytes of a file that is read as a listing: more than a
// key that is as full as can be makes.
const maxListing = 64 << 20

// Parse reads what passkeys list --json has printed. It may come from
// anywhere, so what others rely on is checked.
func Parse(r io.Reader) (*Listing, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxListing+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxListing {
		return nil, fmt.Errorf("it has more than %d bytes", maxListing)
	}
	l := new(Listing)
	if err := json.Unmarshal(asUTF8(b), l); err != nil || l.Format != Format {
		return nil, errors.New("it is not what fidokey passkeys list --json prints")
	}
	if l.Version != Version {
		return nil, fmt.Errorf("its version is %d, and this fidokey knows only %d: make it anew, or take the newer fidokey", l.Version, Version)
	}
	for _, s := range l.Sites {
		if hash, err := base64.RawURLEncoding.DecodeString(s.RPIDHash); err != nil || len(hash) != sha256.Size {
			return nil, fmt.Errorf("the site %q has the rpIdHash %q, which is not a SHA-256 in base64url", s.RPID, s.RPIDHash)
		}
	}
	for p := range l.All() {
		if id, err := base64.RawURLEncoding.DecodeString(p.CredentialID); err != nil || len(id) == 0 {
			return nil, fmt.Errorf("a passkey at %q has the credentialId %q, which is not base64url", p.Site.RPID, p.CredentialID)
		}
	}
	return l, nil
}

// asUTF8 undoes what PowerShell does to what is redirected to a file: it writes
// UTF-16, or a byte order mark in front.
func asUTF8(b []byte) []byte {
	if rest, ok := bytes.CutPrefix(b, []byte{0xff, 0xfe}); ok {
		units := make([]uint16, len(rest)/2)
		for i := range units {
			units[i] = binary.LittleEndian.Uint16(rest[2*i:])
		}
		return []byte(string(utf16.Decode(units)))
	}
	return bytes.TrimPrefix(b, []byte("\ufeff"))
}
