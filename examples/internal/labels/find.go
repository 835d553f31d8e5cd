package labels

import (
	"context"
	"encoding/base64"
	"slices"

	"github.com/gofido/fido"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/ctaphid/hid"
	"github.com/gofido/fido/examples/internal/identity"
)

// RPID is the relying party of the credentials that labels are found by.
const RPID = "label.fidokey.example"

// BySerial returns the label that a key's serial number has, nil if none.
func (l *File) BySerial(h *hid.Info) *Label {
	if h == nil {
		return nil
	}
	for i, x := range l.Labels {
		if x.By == BySerial && x.VendorID == h.VendorID && x.ProductID == h.ProductID && x.Serial == h.Serial {
			return &l.Labels[i]
		}
	}
	return nil
}

// MayBe reports whether a key that is known as a HID device, or as a card if h is
// nil, has to be asked whether one of the labels is its own.
func (l *File) MayBe(h *hid.Info) bool {
	return slices.ContainsFunc(l.Labels, func(x Label) bool {
		if x.By == BySerial {
			return false
		}
		return h == nil || x.VendorID == 0 || x.VendorID == h.VendorID && x.ProductID == h.ProductID
	})
}

// Of returns the label of an open key, and what proves that it is this key; nil if
// it has none. The key is asked silently: no touch, no PIN. The error says that a key
// did not answer.
func (l *File) Of(ctx context.Context, key *fido.Key, h *hid.Info, info *ctap2.GetInfoResponse) (*Label, identity.Proof, error) {
	if x := l.BySerial(h); x != nil {
		return x, identity.Proof{}, nil
	}
	aaguid := info.AAGUID.String()
	var ids []ctap2.PublicKeyCredentialDescriptor
	for i, x := range l.Labels {
		switch {
		case x.AAGUID != aaguid:
		case x.By == ByToken:
			if id := x.identifier(info); id != "" && id == x.DeviceIdentifier {
				return &l.Labels[i], identity.Proof{By: ByToken, Value: id}, nil
			}
		case x.By == ByCredential:
			if id := fromBase64(x.CredentialID); len(id) > 0 {
				ids = append(ids, ctap2.PublicKeyCredentialDescriptor{ID: id, Type: ctap2.TypePublicKey})
			}
		}
	}
	if len(ids) == 0 {
		return nil, identity.Proof{}, nil
	}
	found, err := key.FindCredential(ctx, RPID, ids, nil)
	if err != nil || found == nil {
		return nil, identity.Proof{}, err
	}
	id := base64.RawURLEncoding.EncodeToString(found.ID)
	for i, x := range l.Labels {
		if x.By == ByCredential && x.CredentialID == id {
			return &l.Labels[i], identity.Proof{By: ByCredential, Value: id}, nil
		}
	}
	return nil, identity.Proof{}, nil
}

// identifier decrypts the identifier of a key with the label's token; "" if that is
// not possible. Of another key it is nonsense.
func (x *Label) identifier(info *ctap2.GetInfoResponse) string {
	secret := fromBase64(x.Token)
	defer clear(secret)
	token, err := pinuv.NewToken(pinuv.Protocol(x.TokenProtocol), secret)
	if err != nil {
		return ""
	}
	defer token.Wipe()
	id, err := info.DeviceIdentifier(token)
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(id[:])
}

func fromBase64(s string) []byte {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return nil // of a file that somebody has changed
	}
	return b
}

// Proves asks a key whether it has what proves to be the one with a label. The
// value is "" if it has not; by is "" if it does not tell.
func (x *Label) Proves(ctx context.Context, key *fido.Key, info *ctap2.GetInfoResponse) identity.Proof {
	one := &File{[]Label{*x}}
	found, p, err := one.Of(ctx, key, nil, info)
	switch {
	case err != nil:
		return identity.Proof{}
	case found == nil:
		return identity.Proof{By: x.By}
	}
	return p
}
