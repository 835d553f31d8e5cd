package endtoend

import (
	"crypto/sha256"
	"testing"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/attestation"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/ctap2/webauthn"
	"github.com/gofido/fido/examples/internal/site"
)

// Which very key it is, only those sites learn that the vendor or the program
// trusts with it, and only if they ask.
func TestEnterpriseAttestation(t *testing.T) {
	serial := []byte("KEY-0042")
	for name, c := range map[string]struct {
		asked   string
		vendor  []string // RP IDs in the key
		program []string // RP IDs of the client
		off     bool
		told    bool
	}{
		"the vendor trusts the site/told":            {"enterprise", []string{rpID}, nil, false, true},
		"the program trusts the site/told":           {"enterprise", nil, []string{rpID}, false, true},
		"nobody trusts the site/not told":            {"enterprise", []string{"example.org"}, []string{"example.org"}, false, false},
		"the key has it off/not told":                {"enterprise", []string{rpID}, []string{rpID}, true, false},
		"the site asks for direct/not told":          {"direct", []string{rpID}, []string{rpID}, false, false},
		"the site asks for none/nothing told":        {"none", []string{rpID}, []string{rpID}, false, false},
		"the site asks for what there isn't/nothing": {"everything", []string{rpID}, []string{rpID}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			key := newKey(t, virtual.Config{Enterprise: &virtual.Enterprise{RPIDs: c.vendor, Enabled: !c.off, SerialNumber: serial}})
			client := webauthn.NewClient(securityKey(overHID.open(t, key), &user{}), &webauthn.Config{EnterpriseRPIDs: c.program})
			s := newService(t)
			report, response, err := s.browser(t).register(client, site.Registration{User: "ada", Attestation: c.asked})
			if err != nil {
				t.Fatal(err)
			}
			o, err := webauthn.ParseAttestationObject(response.AttestationObject)
			if err != nil {
				t.Fatal(err)
			}
			hash := sha256.Sum256(response.ClientDataJSON)
			result, err := attestation.Verify(o.Fmt, o.AttStmt, o.AuthData.Raw, hash[:])
			if err != nil {
				t.Fatal(err)
			}
			if told := string(result.EnterpriseSerial) == string(serial); told != c.told {
				t.Errorf("the serial number is %q", result.EnterpriseSerial)
			}
			want := "packed"
			if c.asked != "enterprise" && c.asked != "direct" {
				want = "none"
			}
			if report.Registration.AttestationFormat != want {
				t.Errorf("the format is %s, want %s", report.Registration.AttestationFormat, want)
			}
		})
	}
}

// The site learns the model of a FIDO2 key whatever it asks for (WebAuthn L3
// section 5.1.3), and of a U2F key never.
func TestModel(t *testing.T) {
	for _, attestation := range []string{"none", "direct"} {
		for profile, want := range map[virtual.Profile]ctap2.AAGUID{virtual.FIDO23: virtual.DefaultAAGUID, virtual.U2FOnly: {}} {
			t.Run(attestation+"/"+profile.String(), func(t *testing.T) {
				key := newKey(t, virtual.Config{Profile: profile})
				report, _, err := newService(t).browser(t).register(overHID.client(t, key, &user{}), site.Registration{User: "ada", Attestation: attestation})
				if err != nil {
					t.Fatal(err)
				}
				if report.Registration.AAGUID != want.String() {
					t.Errorf("the AAGUID is %s", report.Registration.AAGUID)
				}
			})
		}
	}
}
