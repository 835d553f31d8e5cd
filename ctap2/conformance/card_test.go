package conformance_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/gofido/fido/ctap2/conformance"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/nfc"
	"github.com/gofido/fido/nfc/nfctest"
)

// cardLoopback is a fixture over the software key at a card reader in memory, in
// virtual time.
func cardLoopback(c virtual.Config, a *nfc.AppletConfig, faults ...nfctest.Fault) conformance.Fixture {
	return conformance.Fixture{
		VirtualTime: true,
		New: func(t *testing.T) *conformance.Key {
			c := c
			c.Storage = new(virtual.MemoryStorage)
			key, err := virtual.New(c)
			if err != nil {
				t.Fatal(err)
			}
			card := nfc.LoopbackApplet(nfc.NewApplet(key, a))
			card.Contact = c.Transport != "nfc"
			t.Cleanup(card.LeaveField) // which ends what the key still waits for
			k := scripted(key, conformance.Key{
				Strict:   len(faults) == 0,
				OpenCard: func() (nfc.Card, error) { return nfctest.Faulty(card.Share(), faults...), nil },
				PowerCycle: func() error {
					card.LeaveField()
					card.EnterField()
					return nil
				},
			})
			if c.Transport == "nfc" || c.Transport == "smart-card" {
				k.Tap, k.User = true, nil
			}
			return k
		},
	}
}

func TestCardLoopback(t *testing.T) {
	never := slices.Concat(withReports(), ordinarySettings, ordinaryExtensions, withPreviews)
	ordinary := slices.Concat(never, withSensor, []string{"GI-20", "TK-7", "TK-8"})
	for _, test := range []struct {
		name          string
		config        virtual.Config
		applet        *nfc.AppletConfig
		faults        []nfctest.Fault
		notApplicable []string
		observed      []string // cases that must have met the fault
	}{
		{"a key that is held to the reader", virtual.Config{Transport: "nfc"}, nil, nil, slices.Concat(ordinary, tapped, contact), nil},
		{"a card in a contact reader", virtual.Config{Transport: "smart-card"}, nil, nil, slices.Concat(ordinary, tapped), nil},
		{"a key in a contact reader that is touched", virtual.Config{}, nil, nil, slices.Concat(ordinary, touched), nil},
		{"short APDUs alone", virtual.Config{}, &nfc.AppletConfig{ShortOnly: true}, nil, slices.Concat(ordinary, touched, withExtended), nil},
		{"held to the reader, short APDUs alone", virtual.Config{Transport: "nfc"}, &nfc.AppletConfig{ShortOnly: true}, nil,
			slices.Concat(ordinary, tapped, contact, withExtended), nil},
		{"built-in user verification", virtual.Config{UV: virtual.ConfiguredUV}, nil, nil, slices.Concat(never, withSensor, touched, []string{"TK-8"}), nil},
		{"a fingerprint sensor", virtual.Config{UV: virtual.FingerprintUV}, nil, nil, slices.Concat(never, touched, []string{"BE-11", "BE-12", "TK-8"}), nil},
		{"no U2F", virtual.Config{WithoutU2F: true}, nil, nil, slices.Concat(ordinary, touched, withU2F, []string{"NFC-25"}), nil},
		{"U2F alone", virtual.Config{Profile: virtual.U2FOnly}, nil, nil, without(slices.Concat(withCTAP2(), withReports()), slices.Concat(onSelect, contact)...), nil},
		{"U2F alone, held to the reader", virtual.Config{Profile: virtual.U2FOnly, Transport: "nfc"}, nil, nil, without(slices.Concat(withCTAP2(), withReports(), tapped, contact), onSelect...), nil},
		{"CTAP 2.0, held to the reader", virtual.Config{Profile: virtual.FIDO20, Transport: "nfc"}, nil, nil, slices.Concat(ordinary, tapped, contact, since21, extensionsSince21, u2fSince21, []string{"NFC-15", "RS-4", "TK-11"}), nil},
		{"every use needs the PIN", virtual.Config{AlwaysUV: true}, nil, nil, slices.Concat(ordinary, touched, withoutPINOnCard), nil},
		{"every use needs the PIN, held to the reader", virtual.Config{AlwaysUV: true, Transport: "nfc"}, nil, nil, slices.Concat(ordinary, tapped, contact, withoutPINOnCard, []string{"CF-4", "EX-18"}), nil},
		{"resets over USB alone", virtual.Config{TransportsForReset: []string{"usb"}, Transport: "nfc"}, nil, nil, slices.Concat(without(ordinary, "RS-7"), tapped, contact, withReset, []string{"NFC-34"}), nil},
		{"large blobs in long messages", virtual.Config{LargeBlobCapacity: 1 << 16, MaxMsgSize: 7609}, nil, nil, slices.Concat(ordinary, touched), nil},
		{"T=0", virtual.Config{}, nil, []nfctest.Fault{nfctest.T0()}, slices.Concat(ordinary, touched, withExtended), []string{"NFC-1"}},
		{"61xx on SELECT", virtual.Config{}, nil, []nfctest.Fault{nfctest.RemainingOnSelect()}, slices.Concat(ordinary, touched), []string{"NFC-1", "NFC-7"}},
		{"6Cxx", virtual.Config{}, nil, []nfctest.Fault{nfctest.ExactLe()}, slices.Concat(ordinary, touched), nil},
		{"an AID that only begins as FIDO's", virtual.Config{}, nil, []nfctest.Fault{nfctest.AIDPrefix()}, slices.Concat(ordinary, touched), []string{"NFC-3"}},
		{"GET RESPONSE of class 80 alone", virtual.Config{}, nil, []nfctest.Fault{nfctest.GetResponseClass(0x80)}, slices.Concat(ordinary, touched), []string{"NFC-14"}},
	} {
		test.config.Algorithms = []cose.Algorithm{cose.ES256, cose.EdDSA}
		t.Run(test.name, func(t *testing.T) {
			r := conformance.Run(t, cardLoopback(test.config, test.applet, test.faults...))
			if got, want := slices.Sorted(maps.Keys(r.NotApplicable)), slices.Compact(slices.Sorted(slices.Values(test.notApplicable))); !slices.Equal(got, want) {
				for _, id := range got {
					t.Logf("%s: %s", id, r.NotApplicable[id])
				}
				t.Errorf("these cases do not apply, unexpectedly: %q; these do: %q", without(got, want...), without(want, got...))
			}
			for _, id := range test.observed {
				if len(r.Observations[id]) == 0 {
					t.Errorf("%s does not notice what is wrong", id)
				}
			}
		})
	}
}
