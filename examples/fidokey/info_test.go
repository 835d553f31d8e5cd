package main

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/virtual"
)

// Whatever the library has a name for has a meaning in words.
func TestInfoWordsAreComplete(t *testing.T) {
	for _, file := range []string{"info.go", "extension.go"} {
		f, err := parser.ParseFile(token.NewFileSet(), "../../ctap2/"+file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for prefix, known := range map[string]func(string) bool{
			"Version":   func(v string) bool { return versionMeanings[v] != "" },
			"Option":    func(v string) bool { return optionMeanings[v][0] != "" && optionMeanings[v][1] != "" },
			"Transport": func(v string) bool { return transportWords[v] != "" },
			"Extension": func(v string) bool { return extensionMeanings[v] != "" },
		} {
			n := 0
			for name, value := range stringConstants(f) {
				if !strings.HasPrefix(name, prefix) {
					continue
				}
				if n++; !known(value) {
					t.Errorf("%s %q has no words", name, value)
				}
			}
			if n == 0 && (prefix == "Extension") == (file == "extension.go") {
				t.Errorf("%s has no %ss", file, prefix)
			}
		}
	}
}

// stringConstants are the constants of a file that are strings, by name.
func stringConstants(f *ast.File) map[string]string {
	all := map[string]string{}
	ast.Inspect(f, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok {
			for i, v := range spec.Values {
				if l, ok := v.(*ast.BasicLit); ok && l.Kind == token.STRING {
					all[spec.Names[i].Name], _ = strconv.Unquote(l.Value)
				}
			}
		}
		return true
	})
	return all
}

func TestScreenInfoEverything(t *testing.T) {
	scenario{key: virtual.Config{
		UV: virtual.FingerprintUV, Previews: true, AlwaysUV: true, Enterprise: new(virtual.Enterprise), UVAcfg: true, UVBioEnroll: true,
		PINComplexity: &virtual.PINComplexity{URL: "https://example.com/policy"}, LongTouchForReset: true,
		TransportsForReset: []string{ctap2.TransportSmartCard}, FirmwareVersion: 5<<16 | 4<<8 | 3, UVAttempts: 2,
		Certifications: map[string]uint{"FIDO": 2, "FIPS-CMVP-3": 2, "CC-EAL": 6, "CCN-CPSTIC": 1, "of tomorrow": 9, "CC-EAL ": 1},
		VendorCommands: map[uint64]func([]byte) error{0x1234: nil},
		Info: func(i *ctap2.GetInfoResponse) {
			i.Versions = append(i.Versions, "FIDO_2_2", "FIDO_9")
			i.Options["ofTomorrow"] = true
			i.UvModality = new(uint64(0x8000000000000202))
			i.UvCountSinceLastPinEntry = new(uint(3))
			i.RemainingDiscoverableCredentials = new(uint(0))
			i.ForcePINChange = true
			i.AuthenticatorConfigCommands = []uint{1, 2, 3, 4, 9, 0xff}
			i.AAGUID = ctap2.AAGUID{}
		},
	}}.play(t, func(s *stage) {
		if err := s.key.SetPIN([]byte("secret")); err != nil {
			s.Fatal(err)
		}
		if _, err := s.key.AddFingerprint("thumb"); err != nil {
			s.Fatal(err)
		}
		s.Run("info")
	})
}

func TestScreenInfoU2F(t *testing.T) {
	scenario{key: virtual.Config{Profile: virtual.U2FOnly}}.play(t, func(s *stage) {
		s.Run("info")
	})
}

// What a key has that needs its owner comes first.
func TestInfoSummary(t *testing.T) {
	for _, test := range []struct {
		name   string
		config virtual.Config
		do     func(*virtual.Key) error
		says   []string
	}{
		{"new", virtual.Config{}, nil, []string{"room for 100 more passkeys", "fidokey pin set"}},
		{"no room", virtual.Config{MaxCredentials: 1}, func(k *virtual.Key) error {
			_, err := k.AddCredential(virtual.NewCredential{RP: ctap2.PublicKeyCredentialRPEntity{ID: "a"}, User: ctap2.PublicKeyCredentialUserEntity{ID: []byte{1}}, Discoverable: true})
			return err
		}, []string{"no room left: fidokey passkeys delete"}},
		{"room for one", virtual.Config{MaxCredentials: 1}, nil, []string{"room for 1 more passkey."}},
		{"no passkeys", virtual.Config{WithoutRK: true}, nil, []string{"It stores no passkeys."}},
		{"of CTAP 2.0", virtual.Config{Profile: virtual.FIDO20}, nil, []string{"how many more it does not tell"}},
		{"no PIN", virtual.Config{WithoutPIN: true}, nil, []string{"PIN: this key can't have one."}},
		{"PIN blocked", virtual.Config{}, func(k *virtual.Key) error {
			k.SetPIN([]byte("secret"))
			return k.SetRetries(0, 3)
		}, []string{"PIN: blocked; only a reset helps"}},
		{"PIN to be changed", virtual.Config{}, func(k *virtual.Key) error {
			k.SetPIN([]byte("secret"))
			return k.ForcePINChange()
		}, []string{"fidokey pin change"}},
		{"no fingerprint", virtual.Config{UV: virtual.FingerprintUV}, nil, []string{"Fingerprint: none is enrolled yet; fidokey fingerprints add"}},
		{"fingerprint with two tries", virtual.Config{UV: virtual.FingerprintUV}, func(k *virtual.Key) error {
			k.SetPIN([]byte("secret"))
			k.AddFingerprint("thumb")
			return k.SetRetries(8, 2)
		}, []string{"PIN: 8 tries left.", "Fingerprint: 2 tries left."}},
		{"always verifies", virtual.Config{AlwaysUV: true}, nil, []string{"for every use: fidokey config always-uv"}},
		{"erased at a reader alone", virtual.Config{TransportsForReset: []string{ctap2.TransportNFC}}, nil, []string{"It can be erased held to a card reader alone."}},
	} {
		t.Run(test.name, func(t *testing.T) {
			key := newKey(t, test.config)
			if test.do != nil {
				if err := test.do(key); err != nil {
					t.Fatal(err)
				}
			}
			device := serve(t, key)
			r := fidokey(t, t.Context(), "", "info", "-d", device)
			for _, want := range test.says {
				if summary, _, _ := strings.Cut(r.out, "\n\n"); r.code != exitOK || !strings.Contains(summary, want) {
					t.Errorf("no %q in\n%s%s", want, r.out, r.err)
				}
			}
			if r := fidokey(t, t.Context(), "", "info", "--json", "-d", device); !json.Valid([]byte(r.out)) {
				t.Errorf("not JSON: %s", r.out)
			}
		})
	}
}

func TestCertificationWords(t *testing.T) {
	for _, test := range []struct {
		name  string
		level uint
		want  string
	}{
		{"FIDO", 1, "FIDO 1 (certified by the FIDO Alliance, level 1)"},
		{"FIDO", 6, "FIDO 6 (certified by the FIDO Alliance, level 3+)"},
		{"FIDO", 7, "FIDO 7 (certified by the FIDO Alliance, a level that is not known)"},
		{"FIDO", 0, "FIDO 0 (certified by the FIDO Alliance, a level that is not known)"},
		{"FIPS-CMVP-2-PHY", 3, "FIPS-CMVP-2-PHY 3 (FIPS 140-2, physical security, level 3)"},
		{"CC-EAL", 5, "CC-EAL 5 (Common Criteria, EAL5)"},
		{"CCN-CPSTIC", 1, "CCN-CPSTIC 1 (in the catalogue CPSTIC of Spain's CCN)"},
		{"else", 4, "else 4"},
	} {
		if got := certificationWords(test.name, test.level); got != test.want {
			t.Errorf("%q instead of %q", got, test.want)
		}
	}
}
