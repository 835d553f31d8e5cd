package virtual_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/attestation"
	"github.com/gofido/fido/ctap2/virtual"
)

// attested returns whether a new credential has an enterprise attestation, and
// the serial number in it.
func (h *host) attested(r *ctap2.MakeCredentialRequest) (enterprise bool, serial []byte) {
	h.t.Helper()
	made := h.create(r)
	result, err := attestation.Verify(made.Fmt, made.AttStmt, made.AuthData.Raw, r.ClientDataHash)
	if err != nil {
		h.t.Fatal(err)
	}
	return made.EpAtt, result.EnterpriseSerial
}

func TestEnterpriseAttestation(t *testing.T) {
	for _, test := range []struct {
		name      string
		key       *virtual.Enterprise
		requested uint
		rpID      string
		want      ctap2.Status
		granted   bool
	}{
		{"not capable", nil, 1, rp.ID, ctap2.StatusInvalidParameter, false},
		{"not capable, no such value", nil, 3, rp.ID, ctap2.StatusInvalidParameter, false},
		{"disabled", &virtual.Enterprise{RPIDs: []string{rp.ID}}, 1, rp.ID, ctap2.StatusInvalidParameter, false},
		{"disabled, by the platform", &virtual.Enterprise{}, 2, rp.ID, ctap2.StatusInvalidParameter, false},
		{"no such value", &virtual.Enterprise{Enabled: true}, 3, rp.ID, ctap2.StatusInvalidOption, false},
		{"by the vendor, on the list", &virtual.Enterprise{Enabled: true, RPIDs: []string{"a", rp.ID}}, 1, rp.ID, 0, true},
		{"by the vendor, not on the list", &virtual.Enterprise{Enabled: true, RPIDs: []string{rp.ID}}, 1, other.ID, 0, false},
		{"by the platform, on the list", &virtual.Enterprise{Enabled: true, RPIDs: []string{rp.ID}}, 2, rp.ID, 0, true},
		{"by the platform, not on the list", &virtual.Enterprise{Enabled: true}, 2, rp.ID, 0, true},
		{"not asked for", &virtual.Enterprise{Enabled: true, RPIDs: []string{rp.ID}}, 0, rp.ID, 0, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHost(t, virtual.Config{Enterprise: test.key})
			if ep, ok := h.info().Options["ep"]; ok != (test.key != nil) || ep != (test.key != nil && test.key.Enabled) {
				t.Errorf("option ep %v, %v", ep, ok)
			}
			r := h.complete(&ctap2.MakeCredentialRequest{RP: ctap2.PublicKeyCredentialRPEntity{ID: test.rpID}, EnterpriseAttestation: test.requested})
			if test.want != 0 {
				h.want(test.want, r)
				return
			}
			granted, serial := h.attested(r)
			if granted != test.granted || (serial != nil) != test.granted {
				t.Errorf("granted %v, serial number %q", granted, serial)
			}
		})
	}
	h := newHost(t, virtual.Config{Enterprise: &virtual.Enterprise{Enabled: true}})
	zero := append(encode(t, h.complete(&ctap2.MakeCredentialRequest{})), 0x0a, 0x00)
	zero[1]++ // a member more
	h.want(ctap2.StatusInvalidOption, raw(zero))
}

// The serial number tells keys apart, and survives a reset, which takes the
// permission to show it.
func TestEnterpriseSerialNumber(t *testing.T) {
	serial := []byte("no. 7")
	e := &virtual.Enterprise{SerialNumber: serial}
	h := newHost(t, virtual.Config{Enterprise: e, Attestation: virtual.AttestSelf})
	e.SerialNumber = []byte("changed later")
	r := h.complete(&ctap2.MakeCredentialRequest{EnterpriseAttestation: 2})
	for range 2 {
		h.want(ctap2.StatusInvalidParameter, r)
		h.set(ctap2.EnableEnterpriseAttestation, nil)
		h.set(ctap2.EnableEnterpriseAttestation, nil) // once more changes nothing
		h.key.PowerCycle()
		if !h.info().Options["ep"] {
			t.Error("option ep is not true")
		}
		if granted, got := h.attested(r); !granted || !bytes.Equal(got, serial) {
			t.Errorf("granted %v, serial number %q", granted, got)
		}
		if granted, got := h.attested(h.complete(&ctap2.MakeCredentialRequest{})); granted || got != nil {
			t.Errorf("not asked for: granted %v, serial number %q", granted, got)
		}
		h.want(0, reset)
	}
	h = newHost(t, virtual.Config{Enterprise: &virtual.Enterprise{Enabled: true, Attestation: virtual.AttestSelf}})
	if granted, got := h.attested(r); !granted || got != nil {
		t.Errorf("of its own: granted %v, serial number %q", granted, got)
	}
}

// A host that wants no attestation gets none, whatever else it asks for. Only
// CTAP 2.2 knows the preference.
func TestAttestationFormatsPreference(t *testing.T) {
	enterprise := &virtual.Enterprise{Enabled: true}
	for _, test := range []struct {
		name       string
		profile    virtual.Profile
		preference []string
		format     string
	}{
		{"absent", virtual.FIDO23, nil, "packed"},
		{"empty", virtual.FIDO23, []string{}, "packed"},
		{"none", virtual.FIDO23, []string{"none"}, "none"},
		{"packed", virtual.FIDO23, []string{"packed"}, "packed"},
		{"none or packed", virtual.FIDO23, []string{"none", "packed"}, "packed"},
		{"unknown", virtual.FIDO23, []string{"tpm"}, "packed"},
		{"none, CTAP 2.1", virtual.FIDO21, []string{"none"}, "packed"},
	} {
		h := newHost(t, virtual.Config{Profile: test.profile, Enterprise: enterprise})
		for _, requested := range []uint{0, 2} {
			made := h.create(&ctap2.MakeCredentialRequest{AttestationFormatsPreference: test.preference, EnterpriseAttestation: requested})
			if made.Fmt != test.format || made.EpAtt != (requested == 2 && test.format != "none") {
				t.Errorf("%s, enterprise %d: format %s, epAtt %v", test.name, requested, made.Fmt, made.EpAtt)
			}
		}
	}
	if formats := newHost(t, virtual.Config{}).info().AttestationFormats; !slices.Equal(formats, []string{"packed"}) {
		t.Errorf("getInfo lists %q", formats)
	}
}
