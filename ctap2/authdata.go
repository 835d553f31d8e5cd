package ctap2

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2/cose"
)

// An AAGUID names a model of authenticator (WebAuthn L3 section 6.4.1); it is
// all zero on a U2F key.
type AAGUID [16]byte

// String returns the AAGUID in the form of a UUID.
func (a AAGUID) String() string {
	h := hex.EncodeToString(a[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// Flags are the flags of authenticator data (WebAuthn L3 section 6.1).
type Flags byte

const (
	FlagUP Flags = 0x01 // the user was present
	FlagUV Flags = 0x04 // the user was verified
	FlagBE Flags = 0x08 // the credential may be backed up
	FlagBS Flags = 0x10 // the credential is backed up
	FlagAT Flags = 0x40 // attested credential data follows
	FlagED Flags = 0x80 // extension outputs follow
)

// String lists the flags, as in "UP, UV, AT".
func (f Flags) String() string {
	s := ""
	for i, name := range []string{"UP", "RFU1", "UV", "BE", "BS", "RFU2", "AT", "ED"} {
		if f&(1<<i) != 0 {
			if s != "" {
				s += ", "
			}
			s += name
		}
	}
	return s
}

// MaxCredentialIDLength is the longest credential ID, in bytes, that WebAuthn
// allows (L3 section 4, Credential ID).
const MaxCredentialIDLength = 1023

// AttestedCredentialData is the new credential in authenticator data (WebAuthn
// L3 section 6.5.1).
type AttestedCredentialData struct {
	AAGUID       AAGUID
	CredentialID []byte // 1 to 1,023 bytes
	PublicKey    *cose.Key
}

// AuthenticatorData is what an authenticator signs, together with the hash of
// the client data (WebAuthn L3 section 6.1).
type AuthenticatorData struct {
	// Raw is the data as it came, which is what was signed. Encoding uses it
	// when it is not nil, and the members below when it is.
	Raw []byte

	RPIDHash  [32]byte // SHA-256 of the RP ID
	Flags     Flags    // encoding sets AT and ED as the members below demand
	SignCount uint32

	AttestedCredentialData *AttestedCredentialData // nil in an assertion
	Extensions             Extensions              // extension outputs; nil if there are none

	// Deviations are the departures from CTAP2 canonical CBOR that ParseAuthenticatorData
	// forgave in the public key and the extension outputs, with their offset in
	// Raw.
	Deviations []cbor.Deviation
}

// authDataHeader is the size of the RP ID hash, the flags and the counter.
const authDataHeader = 32 + 1 + 4

// ParseAuthenticatorData decodes authenticator data. Nothing may follow it.
// The CBOR within is read leniently; Deviations says what was forgiven. The
// result refers to the memory of b.
func ParseAuthenticatorData(b []byte) (*AuthenticatorData, error) {
	a := new(AuthenticatorData)
	if err := a.parse(b); err != nil {
		return nil, fmt.Errorf("ctap2: authenticator data: %w", err)
	}
	return a, nil
}

func (a *AuthenticatorData) parse(b []byte) error {
	parts, err := splitAuthData(b)
	if err != nil {
		return err
	}
	*a = AuthenticatorData{Raw: b, Flags: Flags(b[32]), SignCount: binary.BigEndian.Uint32(b[33:])}
	copy(a.RPIDHash[:], b)
	if a.Flags&FlagAT != 0 {
		a.AttestedCredentialData = &AttestedCredentialData{
			AAGUID:       AAGUID(b[authDataHeader:]),
			CredentialID: parts.credentialID,
		}
		if a.AttestedCredentialData.PublicKey, err = cose.Parse(parts.publicKey); err != nil {
			return fmt.Errorf("public key: %w", err)
		}
		a.deviate(parts.publicKey, parts.publicKeyAt)
	}
	if a.Flags&FlagED != 0 {
		if _, err := cbor.UnmarshalLenient(parts.extensions, &a.Extensions); err != nil {
			return fmt.Errorf("extension outputs: %w", err)
		}
		a.deviate(parts.extensions, parts.extensionsAt)
	}
	return nil
}

// deviate notes the deviations of the item that starts at off.
func (a *AuthenticatorData) deviate(item []byte, off int) {
	n := len(a.Deviations)
	a.Deviations, _ = cbor.Check(a.Deviations, item) // well-formed, or it would not be here
	for i := range a.Deviations[n:] {
		a.Deviations[n+i].Offset += off
	}
}

// authDataParts is where the parts of variable length lie in authenticator data.
type authDataParts struct {
	credentialID []byte // nil without attested credential data
	publicKey    []byte
	extensions   []byte // nil without extension outputs

	publicKeyAt, extensionsAt int
}

func splitAuthData(b []byte) (parts authDataParts, err error) {
	if len(b) < authDataHeader {
		return parts, fmt.Errorf("%d bytes, less than %d", len(b), authDataHeader)
	}
	flags, rest := Flags(b[32]), b[authDataHeader:]
	if flags&FlagAT != 0 {
		if len(rest) < 18 {
			return parts, errCutShort
		}
		n := int(binary.BigEndian.Uint16(rest[16:]))
		if rest = rest[18:]; n > MaxCredentialIDLength {
			return parts, fmt.Errorf("credential ID of %d bytes is longer than %d", n, MaxCredentialIDLength)
		}
		if len(rest) < n {
			return parts, errCutShort
		}
		parts.credentialID, rest = rest[:n:n], rest[n:]
		parts.publicKeyAt = len(b) - len(rest)
		if parts.publicKey, rest, err = cbor.Split(rest); err != nil {
			return parts, fmt.Errorf("public key: %w", err)
		}
	}
	if flags&FlagED != 0 {
		parts.extensionsAt = len(b) - len(rest)
		if parts.extensions, rest, err = cbor.Split(rest); err != nil {
			return parts, fmt.Errorf("extension outputs: %w", err)
		}
		if _, _, ok := mapHead(parts.extensions); !ok {
			return parts, errors.New("extension outputs are not a map")
		}
	}
	if len(rest) > 0 {
		return parts, fmt.Errorf("%d bytes too many", len(rest))
	}
	return parts, nil
}

var errCutShort = errors.New("attested credential data is cut short")

// Append appends the encoded authenticator data to dst: Raw if it is set, else
// the members. It fails if a member can't be encoded.
func (a *AuthenticatorData) Append(dst []byte) ([]byte, error) {
	if a.Raw != nil {
		return append(dst, a.Raw...), nil
	}
	flags := a.Flags &^ (FlagAT | FlagED)
	if a.AttestedCredentialData != nil {
		flags |= FlagAT
	}
	if len(a.Extensions) > 0 {
		flags |= FlagED
	}
	dst = append(dst, a.RPIDHash[:]...)
	dst = append(dst, byte(flags))
	dst = binary.BigEndian.AppendUint32(dst, a.SignCount)
	if d := a.AttestedCredentialData; d != nil {
		if d.PublicKey == nil {
			return nil, errors.New("ctap2: attested credential data without a public key")
		}
		if len(d.CredentialID) > MaxCredentialIDLength {
			return nil, fmt.Errorf("ctap2: credential ID of %d bytes is longer than %d", len(d.CredentialID), MaxCredentialIDLength)
		}
		dst = append(dst, d.AAGUID[:]...)
		dst = binary.BigEndian.AppendUint16(dst, uint16(len(d.CredentialID)))
		dst = append(dst, d.CredentialID...)
		dst = d.PublicKey.Append(dst)
	}
	if len(a.Extensions) > 0 {
		return cbor.Append(dst, a.Extensions)
	}
	return dst, nil
}

// MarshalCBOR encodes the data as a byte string, its form in a response.
func (a AuthenticatorData) MarshalCBOR() ([]byte, error) {
	b, err := a.Append(nil)
	if err != nil {
		return nil, err
	}
	return cbor.Marshal(b)
}

// UnmarshalCBOR decodes a byte string; null counts as absent.
func (a *AuthenticatorData) UnmarshalCBOR(item []byte) error {
	var b []byte
	if _, err := cbor.UnmarshalLenient(item, &b); err != nil || b == nil {
		return err
	}
	if err := a.parse(b); err != nil {
		return fmt.Errorf("authData: %w", err)
	}
	return nil
}

// refuse returns an error if something had to be forgiven.
func (a *AuthenticatorData) refuse() error {
	if len(a.Deviations) > 0 {
		return fmt.Errorf("authData: %w", &cbor.DeviationError{Deviation: a.Deviations[0]})
	}
	return nil
}
