package virtual_test

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"testing"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/virtual"
)

// members is a request, or a map in it, as it is on the wire.
type members = map[any]any

// badInput is a request that is right in form, and what of it must be there. Its
// MACs are wrong: form comes first.
type badInput struct {
	name     string
	command  ctap2.Command
	members  members
	required map[int]ctap2.Status // what is answered if a member is missing
}

// badInputKey has everything that a request can be about, and no PIN.
var badInputKey = virtual.Config{
	UV: virtual.FingerprintUV, Algorithms: []cose.Algorithm{cose.ES256}, Attestation: virtual.AttestNone,
	VendorCommands: map[uint64]func([]byte) error{1: func([]byte) error { return nil }},
}

const missing, denied, bad = ctap2.StatusMissingParameter, ctap2.StatusPUATRequired, ctap2.StatusInvalidParameter

func badInputs(t testing.TB) []badInput {
	key, err := cose.New(mustKey(t).Public(), cose.ECDHESHKDF256)
	if err != nil {
		t.Fatal(err)
	}
	agreement := members{1: 2, 3: -25, -1: 1, -2: key.X, -3: key.Y}
	mac, enc := make([]byte, 32), make([]byte, 80)
	descriptor := members{"id": bytes.Repeat([]byte{1}, 32), "type": "public-key"}
	user := members{"id": []byte("ada"), "name": "ada", "displayName": "Ada"}
	create := members{
		1: hash[:], 2: members{"id": rp.ID, "name": rp.Name}, 3: user,
		4: []any{members{"alg": -7, "type": "public-key"}}, 5: []any{descriptor}, 7: members{"rk": false, "up": true, "uv": false},
		8: mac, 9: 2, 10: 1, 11: []any{"packed"},
	}
	salts := members{1: agreement, 2: make([]byte, 48), 3: mac, 4: 2}
	template := members{1: []byte{1}, 2: "thumb", 3: 1000}
	all := []badInput{
		{"makeCredential", ctap2.CommandMakeCredential, create, map[int]ctap2.Status{1: missing, 2: missing, 3: missing, 4: missing}},
		{"getAssertion", ctap2.CommandGetAssertion, members{1: rp.ID, 2: hash[:], 3: []any{descriptor}, 5: members{"up": true, "uv": false}, 6: mac, 7: 2}, map[int]ctap2.Status{1: missing, 2: missing}},
		{"largeBlobs get", ctap2.CommandLargeBlobs, members{1: 17, 3: 0}, map[int]ctap2.Status{1: bad, 3: bad}},
		{"largeBlobs set", ctap2.CommandLargeBlobs, members{2: make([]byte, 17), 3: 0, 4: 17, 5: mac, 6: 2}, map[int]ctap2.Status{2: bad, 3: bad, 4: bad}},
		{"setMinPINLength", ctap2.CommandConfig, members{1: 3, 2: members{1: 4, 2: []any{rp.ID}, 3: false, 4: false}, 3: 2, 4: mac}, map[int]ctap2.Status{1: missing}},
		{"vendorPrototype", ctap2.CommandConfig, members{1: 255, 2: members{1: 1}, 3: 2, 4: mac}, map[int]ctap2.Status{1: missing, 2: missing}},
		{"getModality", ctap2.CommandBioEnrollment, members{6: true}, nil},
	}
	// Each extension on its own: a wrong one hides those that come later.
	for id, input := range map[string]members{
		"credBlob": {"credBlob": []byte{1}}, "credProtect": {"credProtect": 1}, "hmac-secret": {"hmac-secret": true},
		"hmac-secret-mc": {"hmac-secret": true, "hmac-secret-mc": salts}, "minPinLength": {"minPinLength": true},
		"largeBlobKey": {"largeBlobKey": true}, "thirdPartyPayment": {"thirdPartyPayment": true},
	} {
		m := members{1: hash[:], 2: create[2], 3: user, 4: create[4], 6: input, 7: members{"rk": true}}
		all = append(all, badInput{"makeCredential with " + id, ctap2.CommandMakeCredential, m, nil})
	}
	for id, input := range map[string]any{"credBlob": true, "hmac-secret": salts, "largeBlobKey": true, "thirdPartyPayment": true} {
		m := members{1: rp.ID, 2: hash[:], 4: members{id: input}}
		all = append(all, badInput{"getAssertion with " + id, ctap2.CommandGetAssertion, m, nil})
	}
	pin := func(sub ctap2.ClientPINSubCommand, m members, required ...int) {
		r := map[int]ctap2.Status{2: missing}
		for _, n := range required {
			r[n] = missing
		}
		m[2] = int(sub)
		all = append(all, badInput{sub.String(), ctap2.CommandClientPIN, m, r})
	}
	pin(ctap2.GetPINRetries, members{})
	pin(ctap2.GetUVRetries, members{})
	pin(ctap2.GetKeyAgreement, members{1: 2}, 1)
	pin(ctap2.SetPIN, members{1: 2, 3: agreement, 4: mac, 5: enc}, 1, 3, 4, 5)
	pin(ctap2.ChangePIN, members{1: 2, 3: agreement, 4: mac, 5: enc, 6: mac}, 1, 3, 4, 5, 6)
	pin(ctap2.GetPINToken, members{1: 2, 3: agreement, 6: mac}, 1, 3, 6)
	pin(ctap2.GetPinUvAuthTokenUsingPinWithPermissions, members{1: 2, 3: agreement, 6: mac, 9: 1, 10: rp.ID}, 1, 3, 6, 9, 10)
	pin(ctap2.GetPinUvAuthTokenUsingUvWithPermissions, members{1: 2, 3: agreement, 9: 1, 10: rp.ID}, 1, 3, 9, 10)
	for sub, params := range map[ctap2.CredentialManagementSubCommand]any{
		ctap2.GetCredsMetadata: nil, ctap2.EnumerateRPsBegin: nil, ctap2.EnumerateCredentialsBegin: members{1: hash[:]},
		ctap2.DeleteCredential: members{2: descriptor}, ctap2.UpdateUserInformation: members{2: descriptor, 3: user},
	} {
		m, required := members{1: int(sub), 3: 2, 4: mac}, map[int]ctap2.Status{1: missing, 3: missing, 4: denied}
		if params != nil {
			m[2], required[2] = params, missing
		}
		all = append(all, badInput{sub.String(), ctap2.CommandCredentialManagement, m, required})
	}
	for sub, needs := range map[ctap2.BioEnrollmentSubCommand]bool{
		ctap2.EnrollBegin: false, ctap2.EnrollCaptureNextSample: true, ctap2.EnumerateEnrollments: false, ctap2.SetFriendlyName: true, ctap2.RemoveEnrollment: true,
	} {
		required := map[int]ctap2.Status{1: missing, 2: missing, 4: missing, 5: denied}
		if needs {
			required[3] = missing
		}
		all = append(all, badInput{sub.String(), ctap2.CommandBioEnrollment, members{1: 1, 2: int(sub), 3: template, 4: 2, 5: mac}, required})
	}
	return all
}

// wellFormed has a value of each type.
var wellFormed = []any{uint64(7), []byte{1}, "x", []any{}, members{}, true, nil}

// kind is the type of a value; integers of either sign have the same.
func kind(v any) string {
	switch v.(type) {
	case int, uint64:
		return "an integer"
	case []byte:
		return "bytes"
	}
	return fmt.Sprintf("%T", v)
}

// mistyped yields v with one value in it, or all of it, of another type, and
// where that is.
func mistyped(place string, v any, yield func(place string, v any)) {
	for _, w := range wellFormed {
		if kind(w) != kind(v) {
			yield(place+" as "+kind(w), w)
		}
	}
	switch v := v.(type) {
	case members:
		for name, member := range v {
			mistyped(fmt.Sprintf("%s.%v", place, name), member, func(place string, w any) {
				c := maps.Clone(v)
				c[name] = w
				yield(place, c)
			})
		}
	case []any:
		for i, element := range v {
			mistyped(fmt.Sprintf("%s[%d]", place, i), element, func(place string, w any) {
				c := slices.Clone(v)
				c[i] = w
				yield(place, c)
			})
		}
	}
}

// A member of the key of hmac-secret's input is on the fourth level, the last one.
var (
	keyMember = regexp.MustCompile(`(hmac-secret(-mc)?\.1|^\.3)\.-?\d`)
	tooDeep   = regexp.MustCompile(`hmac-secret.* as (\[\]|map)`)
)

// Every member of every request, of every other type, is refused with
// CBOR_UNEXPECTED_TYPE, and every one that is missing with the status that the
// specification has; and nothing has changed.
func TestBadInput(t *testing.T) {
	for _, test := range badInputs(t) {
		t.Run(test.name, func(t *testing.T) {
			h := newHost(t, badInputKey)
			h.discoverable2(ada)
			if test.command == ctap2.CommandClientPIN && test.name != ctap2.SetPIN.String() {
				// The platform's key is judged only when it is used.
				if _, err := h.key.AddFingerprint(""); err != nil {
					t.Fatal(err)
				}
				if err := h.key.SetPIN([]byte("1234")); err != nil {
					t.Fatal(err)
				}
			}
			before := lasting(t, h.info())
			send := func(m any) ctap2.Status {
				t.Helper()
				b, err := cbor.Append([]byte{byte(test.command)}, m)
				if err != nil {
					t.Fatal(err)
				}
				s, _ := h.send(raw(b))
				return s
			}
			mistyped("", test.members, func(place string, m any) {
				want := []ctap2.Status{ctap2.StatusCBORUnexpectedType}
				switch {
				case keyMember.MatchString(place) && tooDeep.MatchString(place):
					want = []ctap2.Status{ctap2.StatusInvalidCBOR}
				case keyMember.MatchString(place): // a key that can't be used
					want = append(want, bad)
				}
				if got := send(m); !slices.Contains(want, got) {
					t.Errorf("%s is answered with %s, not %s", place, got.Name(), want[0].Name())
				}
			})
			for member, want := range test.required {
				m := maps.Clone(test.members)
				delete(m, member)
				if got := send(m); got != want {
					t.Errorf("without member %d: %s, not %s", member, got.Name(), want.Name())
				}
			}
			if after := lasting(t, h.info()); !bytes.Equal(after, before) {
				t.Errorf("getInfo has changed from\n%x to\n%x", before, after)
			}
			if n := len(h.key.Credentials()); n != 1 {
				t.Errorf("%d credentials", n)
			}
		})
	}
}

// Values that are too long or out of range get the status that the specification
// has for them.
func TestInputOutOfRange(t *testing.T) {
	with := func(m members, changes members) members {
		c := maps.Clone(m)
		maps.Copy(c, changes)
		return c
	}
	var by = map[string]badInput{}
	for _, b := range badInputs(t) {
		by[b.name] = b
	}
	create := members{1: hash[:], 2: members{"id": rp.ID}, 3: members{"id": []byte("ada")}, 4: []any{members{"alg": -7, "type": "public-key"}}}
	ask := members{1: rp.ID, 2: hash[:]}
	descriptors := slices.Repeat([]any{members{"id": make([]byte, 32), "type": "public-key"}}, 9)
	get, set := members{1: 17, 3: 0}, members{2: make([]byte, 17), 3: 0, 4: 17}
	setMin := func(params members) members { return members{1: 3, 2: params} }
	const (
		tooLong = ctap2.StatusInvalidLength
		option  = ctap2.StatusInvalidOption
		policy  = ctap2.StatusPINPolicyViolation
		unknown = ctap2.StatusInvalidSubcommand
	)
	most := uint64(math.MaxUint64)
	for _, test := range []struct {
		name    string
		command ctap2.Command
		members members
		want    ctap2.Status
	}{
		{"clientDataHash of 31 bytes", 1, with(create, members{1: hash[:31]}), tooLong},
		{"clientDataHash of 33 bytes", 2, with(ask, members{2: append(hash[:], 0)}), tooLong},
		{"user.id of 65 bytes", 1, with(create, members{3: members{"id": make([]byte, 65)}}), tooLong},
		{"no algorithm", 1, with(create, members{4: []any{}}), ctap2.StatusUnsupportedAlgorithm},
		{"an algorithm that nobody has", 1, with(create, members{4: []any{members{"alg": math.MinInt64, "type": "public-key"}}}), ctap2.StatusUnsupportedAlgorithm},
		{"excludeList of nine", 1, with(create, members{5: descriptors}), ctap2.StatusLimitExceeded},
		{"allowList of nine", 2, with(ask, members{3: descriptors}), ctap2.StatusLimitExceeded},
		{"up is false", 1, with(create, members{7: members{"up": false}}), option},
		{"uv without a fingerprint", 1, with(create, members{7: members{"uv": true}}), option},
		{"uv without a fingerprint", 2, with(ask, members{5: members{"uv": true}}), option},
		{"rk at a login", 2, with(ask, members{5: members{"rk": false}}), ctap2.StatusUnsupportedOption},
		{"protocol zero", 1, with(create, members{8: make([]byte, 32), 9: 0}), bad},
		{"protocol 2^64-1", 2, with(ask, members{6: make([]byte, 32), 7: most}), bad},
		{"enterpriseAttestation of a key without", 1, with(create, members{10: most}), bad},
		{"credProtect zero", 1, with(create, members{6: members{"credProtect": 0}}), bad},
		{"credProtect 2^64-1", 1, with(create, members{6: members{"credProtect": most}}), bad},
		{"largeBlobKey is false", 1, with(create, members{6: members{"largeBlobKey": false}, 7: members{"rk": true}}), option},
		{"largeBlobKey of a credential that is not discoverable", 1, with(create, members{6: members{"largeBlobKey": true}}), option},

		{"a fragment of 2^64-1 bytes", 12, with(get, members{1: most}), tooLong},
		{"a fragment one too long", 12, with(get, members{1: 1200 - 64 + 1}), tooLong},
		{"behind the end", 12, with(get, members{3: 18}), bad},
		{"offset 2^64-1", 12, with(get, members{3: most}), bad},
		{"get and set", 12, with(get, members{2: []byte{1}}), bad},
		{"get with length", 12, with(get, members{4: 17}), bad},
		{"get with a proof", 12, with(get, members{5: make([]byte, 32), 6: 2}), bad},
		{"an array of 16 bytes", 12, with(set, members{4: 16}), bad},
		{"an array of 2^64-1 bytes", 12, with(set, members{4: most}), ctap2.StatusLargeBlobStorageFull},
		{"more than the array", 12, with(set, members{2: make([]byte, 18)}), bad},
		{"a wrong checksum", 12, set, ctap2.StatusIntegrityFailure},
		{"nothing to continue", 12, members{2: []byte{1}, 3: 5}, ctap2.StatusInvalidSeq},
		{"length of a continuation", 12, members{2: []byte{1}, 3: 5, 4: 17}, bad},
		{"offset 2^64-1 of a continuation", 12, members{2: []byte{1}, 3: most}, ctap2.StatusInvalidSeq},

		{"config subcommand zero", 13, members{1: 0}, unknown},
		{"config subcommand 2^64-1", 13, members{1: most}, unknown},
		{"a minimum of three", 13, setMin(members{1: 3}), policy},
		{"a minimum of 64", 13, setMin(members{1: 64}), policy},
		{"a minimum of 2^64-1", 13, setMin(members{1: most}), policy},
		{"nine relying parties", 13, setMin(members{2: slices.Repeat([]any{"a"}, 9)}), ctap2.StatusKeyStoreFull},
		{"a change of no PIN", 13, setMin(members{3: true}), ctap2.StatusPINNotSet},
		{"an unknown vendor command", 13, members{1: 255, 2: members{1: most}}, bad},

		{"clientPIN subcommand zero", 6, members{2: 0}, unknown},
		{"clientPIN subcommand 8", 6, members{2: 8}, unknown},
		{"clientPIN subcommand 2^64-1", 6, members{2: most}, unknown},
		{"key agreement by protocol three", 6, members{1: 3, 2: 2}, bad},
		{"a PIN by protocol zero", 6, with(by["setPIN"].members, members{1: 0}), bad},
		{"a key that is no point", 6, with(by["setPIN"].members, members{3: members{1: 2, 3: -25, -1: 1, -2: make([]byte, 32), -3: make([]byte, 32)}}), bad},
		{"a key with a short coordinate", 6, with(by["setPIN"].members, members{3: members{1: 2, 3: -25, -1: 1, -2: make([]byte, 31), -3: make([]byte, 32)}}), bad},
		{"a wrong MAC", 6, by["setPIN"].members, ctap2.StatusPINAuthInvalid},
		{"no permission", 6, with(by[ctap2.GetPinUvAuthTokenUsingPinWithPermissions.String()].members, members{9: 0}), bad},

		{"credentialManagement subcommand zero", 10, members{1: 0}, unknown},
		{"credentialManagement subcommand 2^64-1", 10, members{1: most}, unknown},
		{"credentialManagement by protocol three", 10, with(by["getCredsMetadata"].members, members{3: 3}), bad},
		{"nothing to go on with", 10, members{1: 3}, ctap2.StatusNotAllowed},

		{"modality two", 9, with(by["enrollBegin"].members, members{1: 2}), bad},
		{"modality 2^64-1", 9, with(by["enrollBegin"].members, members{1: most}), bad},
		{"bioEnrollment subcommand zero", 9, members{1: 1, 2: 0}, unknown},
		{"bioEnrollment subcommand 2^64-1", 9, members{1: 1, 2: most}, unknown},
		{"a name of 16 bytes", 9, with(by["setFriendlyName"].members, members{3: members{1: []byte{1}, 2: "sixteen letters."}}), tooLong},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHost(t, badInputKey)
			b, err := cbor.Append([]byte{byte(test.command)}, test.members)
			if err != nil {
				t.Fatal(err)
			}
			before := lasting(t, h.info())
			h.want(test.want, raw(b))
			if after := lasting(t, h.info()); !bytes.Equal(after, before) {
				t.Errorf("getInfo has changed from\n%x to\n%x", before, after)
			}
		})
	}
}
