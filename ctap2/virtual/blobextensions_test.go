package virtual_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/virtual"
)

// input is the input of one extension.
func input(t testing.TB, id string, v any) ctap2.Extensions {
	t.Helper()
	e := ctap2.Extensions{}
	if err := e.Set(id, v); err != nil {
		t.Fatal(err)
	}
	return e
}

func (h *host) createStatus(rk bool, e ctap2.Extensions) (ctap2.Status, *ctap2.MakeCredentialResponse) {
	h.t.Helper()
	s, b := h.send(h.complete(&ctap2.MakeCredentialRequest{Options: ctap2.Options{RK: &rk}, Extensions: e}))
	if s != 0 {
		return s, nil
	}
	r, err := ctap2.ParseMakeCredentialResponse(b)
	if err != nil {
		h.t.Fatal(err)
	}
	return s, r
}

func TestCredBlob(t *testing.T) {
	for _, rk := range []bool{true, false} {
		h := newHost(t, virtual.Config{MaxCredBlobLength: 40})
		if n := h.info().MaxCredBlobLength; n != 40 {
			t.Errorf("maxCredBlobLength %d", n)
		}
		for _, test := range []struct {
			name   string
			input  any // nil: without the extension
			want   ctap2.Status
			output string // of makeCredential
			blob   string // of getAssertion
		}{
			{"none", nil, 0, "", "40"},
			{"empty", []byte{}, 0, "f5", "40"},
			{"one byte", []byte{7}, 0, "f5", "4107"},
			{"the most", make([]byte, 40), 0, "f5", "5828" + fmt.Sprintf("%080x", 0)},
			{"a byte more", make([]byte, 41), 0, "f4", "40"},
			{"far more", make([]byte, 900), 0, "f4", "40"},
			{"text", "text", ctap2.StatusCBORUnexpectedType, "", ""},
			{"true", true, ctap2.StatusCBORUnexpectedType, "", ""},
			{"an array of numbers", []int{1, 2}, ctap2.StatusCBORUnexpectedType, "", ""},
		} {
			t.Run(fmt.Sprintf("%s, rk %v", test.name, rk), func(t *testing.T) {
				h.t = t
				var e ctap2.Extensions
				if test.input != nil {
					e = input(t, ctap2.ExtensionCredBlob, test.input)
				}
				s, made := h.createStatus(rk, e)
				if s != test.want {
					t.Fatalf("answered %v, want %v", s, test.want)
				}
				if s != 0 {
					return
				}
				if got := made.AuthData.Extensions[ctap2.ExtensionCredBlob]; fmt.Sprintf("%x", []byte(got)) != test.output {
					t.Errorf("output %x, want %s", []byte(got), test.output)
				}
				h.key.PowerCycle()
				ask := &ctap2.GetAssertionRequest{AllowList: allow(made.AuthData.AttestedCredentialData.CredentialID)}
				ask.Extensions.RequestCredBlob()
				if got := h.assert(ask).AuthData.Extensions[ctap2.ExtensionCredBlob]; fmt.Sprintf("%x", []byte(got)) != test.blob {
					t.Errorf("blob %x, want %s", []byte(got), test.blob)
				}
				ask.Extensions = input(t, ctap2.ExtensionCredBlob, false)
				if e := h.assert(ask).AuthData.Extensions; e != nil {
					t.Errorf("outputs %v for false", e)
				}
				ask.Extensions = input(t, ctap2.ExtensionCredBlob, []byte{1})
				h.want(ctap2.StatusCBORUnexpectedType, h.ask(ask))
			})
		}
	}
}

// A credential whose ID would be too long with the blob takes a place, and keeps
// no blob if there is none.
func TestCredBlobTakesAPlace(t *testing.T) {
	h := newHost(t, virtual.Config{MaxCredentials: 1})
	for _, stored := range []bool{true, false} {
		_, made := h.createStatus(false, input(t, ctap2.ExtensionCredBlob, make([]byte, 32)))
		got, err := made.AuthData.Extensions.CredBlobStored()
		if err != nil || got != stored || *h.info().RemainingDiscoverableCredentials != 0 {
			t.Errorf("stored %v, %v, %d places", got, err, *h.info().RemainingDiscoverableCredentials)
		}
	}
	h = newHost(t, virtual.Config{MaxCredentialIDLength: 200})
	h.createStatus(false, input(t, ctap2.ExtensionCredBlob, make([]byte, 32)))
	if n := *h.info().RemainingDiscoverableCredentials; n != 100 {
		t.Errorf("%d places where the ID has room", n)
	}
}

func TestLargeBlobKey(t *testing.T) {
	h := newHost(t, virtual.Config{})
	for _, test := range []struct {
		name  string
		rk    bool
		input any
		want  ctap2.Status
	}{
		{"true", true, true, 0},
		{"false", true, false, ctap2.StatusInvalidOption},
		{"true, not discoverable", false, true, ctap2.StatusInvalidOption},
		{"false, not discoverable", false, false, ctap2.StatusInvalidOption},
		{"number", true, 1, ctap2.StatusCBORUnexpectedType},
	} {
		got, r := h.createStatus(test.rk, input(t, ctap2.ExtensionLargeBlobKey, test.input))
		if got != test.want {
			t.Errorf("%s: answered %v, want %v", test.name, got, test.want)
		}
		if got == 0 && (len(r.LargeBlobKey) != 32 || r.AuthData.Extensions != nil) {
			t.Errorf("%s: key of %d bytes, outputs %v", test.name, len(r.LargeBlobKey), r.AuthData.Extensions)
		}
	}
	keys := map[string]string{}
	for i := range 3 {
		user := ctap2.PublicKeyCredentialUserEntity{ID: []byte{byte(i)}}
		r := h.create(&ctap2.MakeCredentialRequest{User: user, Options: ctap2.Options{RK: new(true)}, Extensions: input(t, ctap2.ExtensionLargeBlobKey, true)})
		keys[string(user.ID)] = string(r.LargeBlobKey)
	}
	without := h.create(&ctap2.MakeCredentialRequest{User: grace, Options: ctap2.Options{RK: new(true)}})
	if without.LargeBlobKey != nil {
		t.Error("a key that nobody asked for")
	}
	for _, c := range h.key.Credentials()[1:] { // Ada's is first
		if string(c.LargeBlobKey) != keys[string(c.User.ID)] {
			t.Errorf("the key of %x is another for a test", c.User.ID)
		}
	}
	h.key.PowerCycle()
	ask := &ctap2.GetAssertionRequest{Extensions: input(t, ctap2.ExtensionLargeBlobKey, true)}
	r := h.assert(ask)
	seen := map[string]bool{}
	for i := range int(r.NumberOfCredentials) {
		if i > 0 {
			r = h.assertion(h.want(0, getNextAssertion))
		}
		if want, ok := keys[string(r.User.ID)]; ok && want != string(r.LargeBlobKey) || !ok && string(r.User.ID) == "grace" && r.LargeBlobKey != nil {
			t.Errorf("user %x gets the wrong key", r.User.ID)
		}
		seen[string(r.LargeBlobKey)] = true
	}
	if len(seen) != 5 { // three, Ada's, and none
		t.Errorf("%d different keys", len(seen))
	}
	if r := h.assert(&ctap2.GetAssertionRequest{}); r.LargeBlobKey != nil {
		t.Error("a key that nobody asked for")
	}
	h.want(ctap2.StatusInvalidOption, h.ask(&ctap2.GetAssertionRequest{Extensions: input(t, ctap2.ExtensionLargeBlobKey, false)}))
	h.want(ctap2.StatusCBORUnexpectedType, h.ask(&ctap2.GetAssertionRequest{Extensions: input(t, ctap2.ExtensionLargeBlobKey, "true")}))
}

// blobOutput returns the output of largeBlob, nil if there is none.
func blobOutput(t testing.TB, e ctap2.Extensions) *ctap2.LargeBlobOutput {
	t.Helper()
	o, err := e.LargeBlob()
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestLargeBlobExtension(t *testing.T) {
	for _, rk := range []bool{true, false} {
		for _, support := range []ctap2.LargeBlobSupport{ctap2.LargeBlobPreferred, ctap2.LargeBlobRequired} {
			h := newHost(t, virtual.Config{LargeBlobExtension: true, LargeBlobCapacity: 1024, MaxMsgSize: 4096})
			var e ctap2.Extensions
			e.SetLargeBlobSupport(support)
			_, made := h.createStatus(rk, e)
			if o := blobOutput(t, made.UnsignedExtensionOutputs); o == nil || o.Supported == nil || !*o.Supported || made.AuthData.Extensions != nil || made.LargeBlobKey != nil {
				t.Fatalf("%v, rk %v: %+v", support, rk, o)
			}
			id := made.AuthData.AttestedCredentialData.CredentialID
			ask := func(list bool, e ctap2.Extensions) *ctap2.LargeBlobOutput {
				t.Helper()
				r := &ctap2.GetAssertionRequest{Extensions: e}
				if list {
					r.AllowList = allow(id)
				}
				a := h.assert(r)
				if a.AuthData.Extensions != nil {
					t.Errorf("signed outputs %v", a.AuthData.Extensions)
				}
				return blobOutput(t, a.UnsignedExtensionOutputs)
			}
			read := func() *ctap2.LargeBlobOutput {
				t.Helper()
				h.key.PowerCycle()
				return ask(true, input(t, ctap2.ExtensionLargeBlob, map[string]bool{"read": true}))
			}
			write := func(n int) ctap2.Extensions {
				return input(t, ctap2.ExtensionLargeBlob, map[string]any{"write": bytes.Repeat([]byte{9}, n), "originalSize": 5})
			}
			if o := read(); o == nil || o.Blob != nil || o.OriginalSize != nil || o.Written != nil {
				t.Errorf("nothing written: %+v", o)
			}
			for _, n := range []int{1, 1024, 0, 17} {
				commits := h.store.Commits()
				if o := ask(true, write(n)); o == nil || o.Written == nil || !*o.Written || o.Blob != nil {
					t.Errorf("writing %d bytes: %+v", n, o)
				}
				if got := h.store.Commits() - commits; got != 1 {
					t.Errorf("writing costs %d commits", got)
				}
				if o := read(); o.Blob == nil || len(o.Blob) != n || o.OriginalSize == nil || *o.OriginalSize != 5 || o.Written != nil {
					t.Errorf("%d bytes: %+v", n, o)
				}
			}
			if o := ask(true, write(1025)); o.Written == nil || *o.Written {
				t.Errorf("writing too much: %+v", o)
			}
			silent := h.assert(&ctap2.GetAssertionRequest{AllowList: allow(id), Extensions: write(3), Options: ctap2.Options{UP: new(false)}})
			if o := blobOutput(t, silent.UnsignedExtensionOutputs); o.Written == nil || *o.Written {
				t.Errorf("writing without a touch: %+v", o)
			}
			if rk {
				if o := ask(false, write(3)); o.Written == nil || *o.Written {
					t.Errorf("writing without a list: %+v", o)
				}
				if o := ask(false, input(t, ctap2.ExtensionLargeBlob, map[string]bool{"read": true})); len(o.Blob) != 17 {
					t.Errorf("reading without a list: %+v", o)
				}
			}
			if o := read(); len(o.Blob) != 17 {
				t.Errorf("what was refused is written: %+v", o)
			}
			// The power goes when it is stored.
			h.store.CutPowerAfter(0)
			count := h.key.SignCount()
			h.want(ctap2.StatusOther, h.ask(&ctap2.GetAssertionRequest{AllowList: allow(id), Extensions: write(4)}))
			h.key.PowerCycle()
			if o := read(); len(o.Blob) != 17 || h.key.SignCount() != count+1 { // of read
				t.Errorf("after a power cut: %+v, count %d", o, h.key.SignCount())
			}
			// One that was made without takes none.
			plain := h.create(&ctap2.MakeCredentialRequest{User: grace}).AuthData.AttestedCredentialData.CredentialID
			a := h.assert(&ctap2.GetAssertionRequest{AllowList: allow(plain), Extensions: write(4)})
			if o := blobOutput(t, a.UnsignedExtensionOutputs); o.Written == nil || *o.Written {
				t.Errorf("writing without support: %+v", o)
			}
		}
	}
}

func TestLargeBlobExtensionInput(t *testing.T) {
	h := newHost(t, virtual.Config{LargeBlobExtension: true})
	both := map[string]any{"support": "preferred"}
	for _, test := range []struct {
		name         string
		input        any
		create, want ctap2.Status // of makeCredential and getAssertion
	}{
		{"not a map", true, ctap2.StatusCBORUnexpectedType, ctap2.StatusCBORUnexpectedType},
		{"empty", map[string]any{}, ctap2.StatusInvalidCBOR, ctap2.StatusInvalidCBOR},
		{"preferred", both, 0, ctap2.StatusInvalidCBOR},
		{"required", map[string]any{"support": "required"}, 0, ctap2.StatusInvalidCBOR},
		{"another level", map[string]any{"support": "maybe"}, ctap2.StatusInvalidCBOR, ctap2.StatusInvalidCBOR},
		{"support is true", map[string]any{"support": true}, ctap2.StatusInvalidCBOR, ctap2.StatusInvalidCBOR},
		{"support and read", map[string]any{"support": "preferred", "read": true}, ctap2.StatusInvalidCBOR, ctap2.StatusInvalidCBOR},
		{"read", map[string]any{"read": true}, ctap2.StatusInvalidCBOR, 0},
		{"read false", map[string]any{"read": false}, ctap2.StatusInvalidCBOR, ctap2.StatusInvalidCBOR},
		{"read is 1", map[string]any{"read": 1}, ctap2.StatusInvalidCBOR, ctap2.StatusInvalidCBOR},
		{"write", map[string]any{"write": []byte{1}, "originalSize": 1}, ctap2.StatusInvalidCBOR, 0},
		{"write without size", map[string]any{"write": []byte{1}}, ctap2.StatusInvalidCBOR, ctap2.StatusInvalidCBOR},
		{"size without write", map[string]any{"originalSize": 1}, ctap2.StatusInvalidCBOR, ctap2.StatusInvalidCBOR},
		{"read and write", map[string]any{"read": true, "write": []byte{1}, "originalSize": 1}, ctap2.StatusInvalidCBOR, ctap2.StatusInvalidCBOR},
		{"write is text", map[string]any{"write": "1", "originalSize": 1}, ctap2.StatusInvalidCBOR, ctap2.StatusInvalidCBOR},
		{"size is negative", map[string]any{"write": []byte{1}, "originalSize": -1}, ctap2.StatusInvalidCBOR, ctap2.StatusInvalidCBOR},
		{"size of 2^64-1", map[string]any{"write": []byte{1}, "originalSize": uint64(1<<64 - 1)}, ctap2.StatusInvalidCBOR, 0},
		{"an unknown member", map[string]any{"read": true, "x": 1}, ctap2.StatusInvalidCBOR, 0},
	} {
		if got, _ := h.createStatus(true, input(t, ctap2.ExtensionLargeBlob, test.input)); got != test.create {
			t.Errorf("%s: makeCredential answered %v, want %v", test.name, got, test.create)
		}
		h.discoverable2(ada)
		if got, _ := h.send(h.ask(&ctap2.GetAssertionRequest{Extensions: input(t, ctap2.ExtensionLargeBlob, test.input)})); got != test.want {
			t.Errorf("%s: getAssertion answered %v, want %v", test.name, got, test.want)
		}
	}
}

// Where there is no room, preferred is made without, and required is not made.
func TestLargeBlobExtensionNeedsRoom(t *testing.T) {
	h := newHost(t, virtual.Config{LargeBlobExtension: true, MaxCredentials: 1})
	h.discoverable2(ada)
	var e ctap2.Extensions
	e.SetLargeBlobSupport(ctap2.LargeBlobPreferred)
	_, made := h.createStatus(false, e)
	if o := blobOutput(t, made.UnsignedExtensionOutputs); o == nil || o.Supported == nil || *o.Supported {
		t.Errorf("preferred: %+v", o)
	}
	e.SetLargeBlobSupport(ctap2.LargeBlobRequired)
	if s, _ := h.createStatus(false, e); s != ctap2.StatusKeyStoreFull {
		t.Errorf("required: answered %v", s)
	}
	if s, _ := h.createStatus(true, e); s != 0 { // in place of Ada's
		t.Errorf("in place of another: answered %v", s)
	}
}

// A key has the one or the others, and ignores what it does not have.
func TestLargeBlobExtensionExcludesTheOthers(t *testing.T) {
	for _, extension := range []bool{false, true} {
		h := newHost(t, virtual.Config{LargeBlobExtension: extension})
		var e ctap2.Extensions
		e.RequestLargeBlobKey()
		e.SetLargeBlobSupport(ctap2.LargeBlobPreferred)
		_, made := h.createStatus(true, e)
		if (made.LargeBlobKey == nil) != extension || (made.UnsignedExtensionOutputs != nil) != extension {
			t.Errorf("extension %v: key of %d bytes, outputs %v", extension, len(made.LargeBlobKey), made.UnsignedExtensionOutputs)
		}
	}
	// A version that does not know the extension has the others.
	h := newHost(t, virtual.Config{Profile: virtual.FIDO21, LargeBlobExtension: true})
	if !h.info().Options[ctap2.OptionLargeBlobs] {
		t.Error("CTAP 2.1 without large blobs")
	}
}

// What a test puts on a key is what a host finds.
func TestSetLargeBlob(t *testing.T) {
	for _, extension := range []bool{false, true} {
		h := newHost(t, virtual.Config{LargeBlobExtension: extension})
		add := func(n virtual.NewCredential) virtual.Credential {
			t.Helper()
			n.RP = rp
			c, err := h.key.AddCredential(n)
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		a := add(virtual.NewCredential{User: ada, Discoverable: true, LargeBlob: true, CredBlob: []byte("cred")})
		b := add(virtual.NewCredential{User: grace, Discoverable: true, LargeBlob: true})
		plain := add(virtual.NewCredential{User: ctap2.PublicKeyCredentialUserEntity{ID: []byte{1}}, Discoverable: true})
		if _, err := h.key.LargeBlob(a.ID); !errors.Is(err, ctap2.ErrNoLargeBlob) {
			t.Errorf("none: %v", err)
		}
		for _, data := range []string{"first", "", "x", "last"} {
			for _, c := range []virtual.Credential{a, b} {
				if err := h.key.SetLargeBlob(c.ID, []byte(data)); err != nil {
					t.Fatal(err)
				}
			}
			h.key.PowerCycle()
			for _, c := range []virtual.Credential{a, b} {
				if got, err := h.key.LargeBlob(c.ID); err != nil || string(got) != data {
					t.Errorf("%q instead of %q, %v", got, data, err)
				}
			}
		}
		if extension {
			ask := &ctap2.GetAssertionRequest{AllowList: allow(a.ID)}
			ask.Extensions.RequestLargeBlob()
			if got, err := blobOutput(t, h.assert(ask).UnsignedExtensionOutputs).Data(); err != nil || string(got) != "last" {
				t.Errorf("%q, %v", got, err)
			}
		} else {
			array, err := ctap2.ParseLargeBlobArray(h.readBlobs(1136))
			if err != nil || len(array) != 2 {
				t.Fatal(array, err)
			}
			if got, err := array.Find(a.LargeBlobKey); err != nil || string(got) != "last" {
				t.Errorf("%q, %v", got, err)
			}
			if err := h.key.SetLargeBlobArray([]byte("damaged")); err != nil {
				t.Fatal(err)
			}
			if _, err := h.key.LargeBlob(a.ID); !isDamaged(err) {
				t.Errorf("damaged: %v", err)
			}
			if err := h.key.SetLargeBlob(a.ID, nil); !isDamaged(err) || string(h.key.LargeBlobArray()) != "damaged" {
				t.Errorf("damaged: %v", err)
			}
			if err := h.key.SetLargeBlobArray(nil); err != nil {
				t.Fatal(err)
			}
		}
		noise := arrayOf(8000)
		if err := h.key.SetLargeBlob(a.ID, noise); !errors.Is(err, ctap2.StatusLargeBlobStorageFull) {
			t.Errorf("too much: %v", err)
		}
		if err := h.key.SetLargeBlob(plain.ID, nil); err == nil {
			t.Error("a credential without large blob has one")
		}
		if err := h.key.SetLargeBlob([]byte("unknown"), nil); err == nil {
			t.Error("a credential that is not there has one")
		}
		ask := &ctap2.GetAssertionRequest{AllowList: allow(a.ID)}
		ask.Extensions.RequestCredBlob()
		if blob, err := h.assert(ask).AuthData.Extensions.CredBlob(); err != nil || string(blob) != "cred" || string(a.CredBlob) != "cred" {
			t.Errorf("credBlob %q, %v", blob, err)
		}
	}
	h := newHost(t, virtual.Config{Profile: virtual.FIDO20})
	for name, n := range map[string]virtual.NewCredential{
		"credBlob":  {RP: rp, CredBlob: []byte{1}},
		"largeBlob": {RP: rp, User: ada, Discoverable: true, LargeBlob: true},
	} {
		if _, err := h.key.AddCredential(n); err == nil {
			t.Errorf("CTAP 2.0 has %s", name)
		}
	}
	h = newHost(t, virtual.Config{})
	for name, n := range map[string]virtual.NewCredential{
		"credBlob too long":           {RP: rp, CredBlob: make([]byte, 33)},
		"largeBlob, not discoverable": {RP: rp, LargeBlob: true},
	} {
		if _, err := h.key.AddCredential(n); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func isDamaged(err error) bool {
	_, ok := errors.AsType[*ctap2.LargeBlobArrayError](err)
	return ok
}

// The outputs are canonical, and so is a request that a test makes by hand.
func TestBlobOutputsAreCanonical(t *testing.T) {
	h := newHost(t, virtual.Config{LargeBlobExtension: true})
	var e ctap2.Extensions
	e.SetLargeBlobSupport(ctap2.LargeBlobRequired)
	e.SetCredBlob([]byte{1})
	_, made := h.createStatus(true, e)
	if d, err := cbor.Check(nil, made.Raw); err != nil || len(d) > 0 || len(made.AuthData.Deviations) > 0 {
		t.Errorf("%v, %v, %v", d, err, made.AuthData.Deviations)
	}
}
