package ctap2_test

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/pinuv"
)

func TestGetInfoKnownAnswer(t *testing.T) {
	for _, name := range []string{"getInfo reply, CTAP 2.0", "getInfo reply, specification example", "getInfo reply, CTAP 2.3"} {
		reply := vector(t, name)
		r, err := ctap2.ParseGetInfoResponse(reply[1:])
		if err != nil {
			t.Fatal(err)
		}
		if r.Deviations != nil || r.AAGUID.String() != "f8a011f3-8c0a-4d15-8006-17111f9edc7d" {
			t.Errorf("%s: %v, %v", name, r.Deviations, r.AAGUID)
		}
		back, err := r.Append(nil)
		if _, ok := members(t, reply[1:])[0x0c]; ok {
			back = with(t, back, 0x0c, "f4") // forcePINChange false is the same as absent
		}
		if err != nil || !bytes.Equal(back, reply[1:]) {
			t.Errorf("%s encoded again:\ngot  %x %v\nwant %x", name, back, err, reply[1:])
		}
	}
	r, err := ctap2.ParseGetInfoResponse(vector(t, "getInfo reply, CTAP 2.3")[1:])
	if err != nil {
		t.Fatal(err)
	}
	want := ctap2.GetInfoResponse{
		Versions: []string{ctap2.VersionU2F, ctap2.VersionFIDO20, ctap2.VersionFIDO21Pre, ctap2.VersionFIDO21, ctap2.VersionFIDO23},
		Extensions: []string{ctap2.ExtensionCredProtect, ctap2.ExtensionHMACSecret, ctap2.ExtensionLargeBlobKey, ctap2.ExtensionCredBlob,
			ctap2.ExtensionMinPINLength, ctap2.ExtensionHMACSecretMC, ctap2.ExtensionThirdPartyPayment, "previewSign"},
		AAGUID: r.AAGUID,
		Options: ctap2.InfoOptions{
			ctap2.OptionEP: false, ctap2.OptionRK: true, ctap2.OptionUP: true, ctap2.OptionPlat: false, ctap2.OptionAlwaysUv: false,
			ctap2.OptionCredMgmt: true, ctap2.OptionAuthnrCfg: true, ctap2.OptionClientPIN: false, ctap2.OptionLargeBlobs: true,
			ctap2.OptionPerCredMgmtRO: true, ctap2.OptionPinUvAuthToken: true, ctap2.OptionSetMinPINLength: true,
			ctap2.OptionMakeCredUvNotRqd: true, ctap2.OptionCredentialMgmtPreview: true,
		},
		MaxMsgSize: 1536, PinUvAuthProtocols: []pinuv.Protocol{pinuv.Two, pinuv.One},
		MaxCredentialCountInList: 8, MaxCredentialIDLength: 128,
		Transports: []string{ctap2.TransportNFC, ctap2.TransportUSB, ctap2.TransportSmartCard},
		Algorithms: []ctap2.PublicKeyCredentialParameters{
			{Alg: cose.ES256, Type: ctap2.TypePublicKey}, {Alg: cose.EdDSA, Type: ctap2.TypePublicKey}, {Alg: cose.ES384, Type: ctap2.TypePublicKey}},
		MaxSerializedLargeBlobArray: 4096, MinPINLength: 4, FirmwareVersion: new(uint64(1)), MaxCredBlobLength: 32,
		MaxRPIDsForSetMinPINLength: new(uint(1)), RemainingDiscoverableCredentials: new(uint(100)), AttestationFormats: []string{"packed"},
		LongTouchForReset: new(true), EncIdentifier: r.EncIdentifier, TransportsForReset: []string{ctap2.TransportUSB, ctap2.TransportSmartCard},
		PinComplexityPolicy: new(true), PinComplexityPolicyURL: []byte("https://example.com"), MaxPINLength: 63,
		EncCredStoreState: r.EncCredStoreState, AuthenticatorConfigCommands: []uint{1, 2, 3},
	}
	compareFields(t, "getInfo", r, &want)
	if len(r.EncIdentifier) != 32 || len(r.EncCredStoreState) != 32 || r.EncIdentifier[0] != 0x91 || r.EncCredStoreState[0] != 0x64 {
		t.Errorf("encIdentifier %x, encCredStoreState %x", r.EncIdentifier, r.EncCredStoreState)
	}
}

// CBR-8: what a host does not know must not stop it.
func TestGetInfoUnknown(t *testing.T) {
	r, err := ctap2.ParseGetInfoResponse(vector(t, "getInfo reply, unknown member")[1:])
	if err != nil || r.MaxMsgSize != 1200 {
		t.Fatalf("unknown member: %+v, %v", r, err)
	}
	if unknown := members(t, r.Raw)[0x63]; !bytes.Equal(unknown, []byte{0x19, 0x04, 0xd2}) {
		t.Errorf("the unknown member is out of reach: %x", unknown)
	}
	reply := vector(t, "getInfo reply, CTAP 2.0")[1:]
	for _, test := range []struct {
		name   string
		number uint64
		item   string
		check  func(*ctap2.GetInfoResponse) bool
	}{
		{"unknown version", 1, "82684649444f5f325f32684649444f5f395f39", func(r *ctap2.GetInfoResponse) bool {
			return slices.Equal(r.Versions, []string{"FIDO_2_2", "FIDO_9_9"})
		}},
		{"vendor's algorithm", 10, "82a263616c67382264747970656a7075626c69632d6b6579a263616c673a0001000064747970656178", func(r *ctap2.GetInfoResponse) bool {
			return r.Algorithms[0].Alg == cose.ES384 && r.Algorithms[1].Alg == -65537 && r.Algorithms[1].Type == "x"
		}},
		{"options null, integer, text, map and boolean", 4, "a5616100616260616380626430a0627570f5", func(r *ctap2.GetInfoResponse) bool {
			return maps.Equal(r.Options, ctap2.InfoOptions{"up": true})
		}},
		{"option null", 4, "a2627570f5627576f6", func(r *ctap2.GetInfoResponse) bool {
			return maps.Equal(r.Options, ctap2.InfoOptions{"up": true})
		}},
		{"member null", 5, "f6", func(r *ctap2.GetInfoResponse) bool { return r.MaxMessage() == 1024 }},
		{"message size 2^32-1", 5, "1affffffff", func(r *ctap2.GetInfoResponse) bool { return r.MaxMessage() == 65536 }},
		{"protocols 9 and 1", 6, "820901", func(r *ctap2.GetInfoResponse) bool {
			p, err := r.PreferredPinUvAuthProtocol()
			return p == pinuv.One && err == nil
		}},
		{"vendor command of 64 bits", 0x15, "811bffffffffffffffff", func(r *ctap2.GetInfoResponse) bool {
			return r.VendorPrototypeConfigCommands[0] == 1<<64-1
		}},
	} {
		r, err := ctap2.ParseGetInfoResponse(with(t, reply, test.number, test.item))
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
		} else if !test.check(r) {
			t.Errorf("%s: %+v", test.name, r)
		}
	}
}

// No number is cut to fit: the member is left out.
func TestGetInfoNumberTooLarge(t *testing.T) {
	b, parse := byName(t, "getInfo response")
	for _, test := range []struct {
		name   string
		number uint64
		item   string
	}{
		{"negative size", 5, "20"},
		{"algorithm beyond 64 bits", 10, "81a263616c673bffffffffffffffff64747970656178"},
		{"number beyond 64 bits", 5, "c249010000000000000000"}, // a bignum
	} {
		var bad []byte
		if test.item[:2] == "c2" {
			m := members(t, b)
			m[test.number] = unhex(t, "4101")
			bad, _ = cbor.Marshal(m)
			bad = bytes.Replace(bad, unhex(t, "054101"), unhex(t, "05"+test.item), 1)
		} else {
			bad = with(t, b, test.number, test.item)
		}
		parsed, err := parse(bad)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		r := parsed.(*ctap2.GetInfoResponse)
		if !slices.Equal(r.Ignored, []int{int(test.number)}) || test.number == 5 && r.MaxMsgSize != 0 || test.number == 10 && r.Algorithms != nil {
			t.Errorf("%s: %+v, want it to be left out", test.name, r)
		}
	}
}

func TestPreferredPinUvAuthProtocol(t *testing.T) {
	for _, test := range []struct {
		name     string
		info     ctap2.GetInfoResponse
		want     pinuv.Protocol
		supports bool
	}{
		{"two before one", ctap2.GetInfoResponse{PinUvAuthProtocols: []pinuv.Protocol{2, 1}}, pinuv.Two, true},
		{"one before two", ctap2.GetInfoResponse{PinUvAuthProtocols: []pinuv.Protocol{1, 2}}, pinuv.One, true},
		{"unknown first", ctap2.GetInfoResponse{PinUvAuthProtocols: []pinuv.Protocol{0, 3, 2}}, pinuv.Two, true},
		{"unknown only", ctap2.GetInfoResponse{PinUvAuthProtocols: []pinuv.Protocol{3}, Versions: []string{ctap2.VersionFIDO20}}, 0, false},
		{"no list, CTAP 2.0", ctap2.GetInfoResponse{Versions: []string{ctap2.VersionFIDO20}}, pinuv.One, true},
		{"no list, CTAP 2.1 only", ctap2.GetInfoResponse{Versions: []string{ctap2.VersionFIDO21}}, 0, false},
	} {
		p, err := test.info.PreferredPinUvAuthProtocol()
		if p != test.want || (err == nil) != test.supports || err != nil && !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s: %v, %v", test.name, p, err)
		}
	}
}

func TestPINLengths(t *testing.T) {
	for _, test := range []struct{ minimum, maximum, least, most uint }{
		{0, 0, 4, 63}, {3, 0, 4, 63}, {8, 0, 8, 63}, {6, 10, 6, 10}, {4, 100, 4, 63},
	} {
		r := ctap2.GetInfoResponse{MinPINLength: test.minimum, MaxPINLength: test.maximum}
		if least, most := r.PINLengths(); least != test.least || most != test.most {
			t.Errorf("%+v: %d to %d", test, least, most)
		}
	}
}
