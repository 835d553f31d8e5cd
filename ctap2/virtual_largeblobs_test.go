package ctap2_test

import (
	"bytes"
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/ctap2/virtual"
)

// incompressible returns n bytes that no compressor makes fewer.
func incompressible(n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{byte(n)}).Read(b)
	return b
}

// blobbed puts passkeys with largeBlobKeys on a key, one for each user.
func blobbed(t testing.TB, key *virtual.Key, users ...string) (all []virtual.Credential) {
	t.Helper()
	for _, user := range users {
		c, err := key.AddCredential(virtual.NewCredential{
			RP:           ctap2.PublicKeyCredentialRPEntity{ID: "example.com"},
			User:         ctap2.PublicKeyCredentialUserEntity{ID: []byte(user)},
			Discoverable: true,
			LargeBlob:    true,
		})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	return all
}

// sent returns the commands that a key has got since it was last asked.
func sent(key *virtual.Key, since *int) (names []string) {
	all := key.Commands()
	for _, r := range all[*since:] {
		names = append(names, r.Command().String())
	}
	*since = len(all)
	return names
}

// Several passkeys' blobs in an array of several fragments, with a PIN by either
// protocol and without one: what others have stored stays as it is, byte for
// byte.
func TestLargeBlobsOfSoftwareKey(t *testing.T) {
	foreign := ctap2.LargeBlobArray{
		unhex(t, "a301581f00000000000000000000000000000000000000000000000000000000000000024c0000000000000000000000000302"), // nobody's
		unhex(t, "a20340024101"), // not canonical
		unhex(t, "1818"),         // not even a map
		unhex(t, "bf61ff01ff"),   // of indefinite length, with text that is not UTF-8
	}
	for _, test := range []struct {
		name     string
		protocol pinuv.Protocol
		pin      string
	}{{"no PIN", pinuv.Two, ""}, {"protocol one", pinuv.One, "1234"}, {"protocol two", pinuv.Two, "1234"}} {
		t.Run(test.name, func(t *testing.T) {
			key, c := connect(t, virtual.Config{
				Protocols: []pinuv.Protocol{test.protocol}, LargeBlobCapacity: 16384, MaxMsgSize: 1024, History: 1000,
			}, nil)
			credentials := blobbed(t, key, "ada", "bob", "eve")
			var token *pinuv.Token
			if test.pin != "" {
				if err := key.SetPIN([]byte(test.pin)); err != nil {
					t.Fatal(err)
				}
				var err error
				if token, err = c.PINToken(t.Context(), []byte(test.pin), ctap2.PermissionLBW, ""); err != nil {
					t.Fatal(err)
				}
			}
			if err := key.SetLargeBlobArray(foreign.Append(nil)); err != nil {
				t.Fatal(err)
			}
			want := map[int][]byte{}
			check := func(what string) {
				t.Helper()
				all, err := c.ReadLargeBlobs(t.Context())
				if err != nil || len(all) != len(foreign)+len(want) {
					t.Fatalf("%s: %d entries, %v", what, len(all), err)
				}
				for i, e := range foreign {
					if !bytes.Equal(all[i], e) {
						t.Errorf("%s: entry %d has become %x", what, i, []byte(all[i]))
					}
				}
				for i, k := range credentials {
					data, err := c.GetLargeBlob(t.Context(), k.LargeBlobKey)
					if _, there := want[i]; !there {
						if !errors.Is(err, ctap2.ErrNoLargeBlob) {
							t.Errorf("%s: credential %d has %q, %v", what, i, data, err)
						}
						continue
					}
					if err != nil || !bytes.Equal(data, want[i]) {
						t.Errorf("%s: credential %d has %d bytes instead of %d, %v", what, i, len(data), len(want[i]), err)
					}
					if own, err := key.LargeBlob(k.ID); err != nil || !bytes.Equal(own, want[i]) {
						t.Errorf("%s: credential %d has %d bytes on the key, %v", what, i, len(own), err)
					}
				}
			}
			check("nothing stored")
			for _, set := range []struct {
				credential int
				data       []byte
			}{
				{0, nil}, {0, []byte{7}}, {1, []byte("a certificate")}, {2, incompressible(4000)}, {0, incompressible(3000)},
				{1, bytes.Repeat([]byte("long "), 20000)}, {2, []byte("short")},
			} {
				if err := c.SetLargeBlob(t.Context(), token, credentials[set.credential].LargeBlobKey, set.data); err != nil {
					t.Fatal(err)
				}
				want[set.credential] = set.data
				check(fmt.Sprintf("%d bytes for %d", len(set.data), set.credential))
			}
			for i, k := range credentials {
				if err := c.DeleteLargeBlob(t.Context(), token, k.LargeBlobKey); err != nil {
					t.Fatal(err)
				}
				delete(want, i)
				check(fmt.Sprintf("%d deleted", i))
				if err := c.DeleteLargeBlob(t.Context(), token, k.LargeBlobKey); !errors.Is(err, ctap2.ErrNoLargeBlob) {
					t.Errorf("deleted twice: %v", err)
				}
			}
			if !bytes.Equal(key.LargeBlobArray(), foreign.Append(nil)) {
				t.Errorf("in the end the key has %x", key.LargeBlobArray())
			}
		})
	}
}

// The commands that a task costs: a blob of 5,000 bytes is an array of six
// fragments of 960.
func TestLargeBlobCommands(t *testing.T) {
	key, c := connect(t, virtual.Config{LargeBlobCapacity: 8192, MaxMsgSize: 1024, History: 1000}, nil)
	k := blobbed(t, key, "ada")[0].LargeBlobKey
	since := 0
	blobs := func(n int) []string { return slices.Repeat([]string{"authenticatorLargeBlobs"}, n) }
	for _, test := range []struct {
		name string
		do   func() error
		want []string
	}{
		{"read for the first time", func() error { return second(c.ReadLargeBlobs(t.Context())) }, append([]string{"authenticatorGetInfo"}, blobs(1)...)},
		{"set", func() error { return c.SetLargeBlob(t.Context(), nil, k, incompressible(5000)) }, blobs(1 + 6)},
		{"get", func() error { return second(c.GetLargeBlob(t.Context(), k)) }, blobs(6)},
		{"replace", func() error { return c.SetLargeBlob(t.Context(), nil, k, []byte{1}) }, blobs(6 + 1)},
		{"delete", func() error { return c.DeleteLargeBlob(t.Context(), nil, k) }, blobs(1 + 1)},
		{"write", func() error { return c.WriteLargeBlobs(t.Context(), nil, nil) }, blobs(1)},
	} {
		if err := test.do(); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if got := sent(key, &since); !slices.Equal(got, test.want) {
			t.Errorf("%s sends %q", test.name, got)
		}
	}
}

// A damaged array is reported, with what is left of it, and stays until someone
// means to write another.
func TestDamagedLargeBlobsOfSoftwareKey(t *testing.T) {
	key, c := connect(t, virtual.Config{}, nil)
	k := blobbed(t, key, "ada")[0]
	if err := key.SetLargeBlob(k.ID, incompressible(3000)); err != nil {
		t.Fatal(err)
	}
	good := key.LargeBlobArray()
	flipped := bytes.Clone(good)
	flipped[1500] ^= 1
	for name, raw := range map[string][]byte{
		"a bit has flipped": flipped, "cut short": good[:2000], "nothing": {}, "zeros": make([]byte, 4096), "not an array": summed([]byte{0xa0}),
	} {
		if err := key.SetLargeBlobArray(raw); err != nil {
			t.Fatal(err)
		}
		for what, err := range map[string]error{
			"read":   second(c.ReadLargeBlobs(t.Context())),
			"get":    second(c.GetLargeBlob(t.Context(), k.LargeBlobKey)),
			"set":    c.SetLargeBlob(t.Context(), nil, k.LargeBlobKey, []byte("new")),
			"delete": c.DeleteLargeBlob(t.Context(), nil, k.LargeBlobKey),
		} {
			bad, ok := errors.AsType[*ctap2.LargeBlobArrayError](err)
			if !ok || !bytes.Equal(bad.Raw, raw) || !bytes.Equal(key.LargeBlobArray(), raw) {
				t.Errorf("%s, %s: %v", name, what, err)
			}
		}
		if err := c.WriteLargeBlobs(t.Context(), nil, nil); err != nil {
			t.Errorf("%s, written anew: %v", name, err)
		}
		if err := c.SetLargeBlob(t.Context(), nil, k.LargeBlobKey, []byte("new")); err != nil {
			t.Errorf("%s, set then: %v", name, err)
		}
	}
}

// What other programs compress, and what nobody should.
func TestLargeBlobFormatsOfSoftwareKey(t *testing.T) {
	key, c := connect(t, virtual.Config{}, nil)
	k := blobbed(t, key, "ada")[0].LargeBlobKey
	text := []byte(strings.Repeat("blob ", 30))
	var z bytes.Buffer
	w := zlib.NewWriter(&z)
	w.Write(text)
	w.Close()
	for _, test := range []struct {
		name       string
		compressed []byte
		size       uint64
		problem    string
	}{
		{"raw", deflated(t, text), 150, ""},
		{"zlib", z.Bytes(), 150, ""},
		{"a bomb", deflated(t, make([]byte, 1<<20)), 10, "another size"},
		{"a bomb that says so", deflated(t, make([]byte, 1<<20)), 1 << 40, "larger than"},
		{"zlib, cut short", z.Bytes()[:10], 150, "damaged"},
	} {
		all := ctap2.LargeBlobArray{sealed(t, k, test.compressed, test.size)}
		if err := key.SetLargeBlobArray(all.Append(nil)); err != nil {
			t.Fatal(err)
		}
		switch data, err := c.GetLargeBlob(t.Context(), k); {
		case test.problem == "" && (err != nil || !bytes.Equal(data, text)):
			t.Errorf("%s: %q, %v", test.name, data, err)
		case test.problem != "" && (err == nil || !strings.Contains(err.Error(), test.problem)):
			t.Errorf("%s: %d bytes, %v", test.name, len(data), err)
		}
	}
}

// An array of exactly the room that there is, and of a byte more, from a key that
// tells its room and from one that does not.
func TestLargeBlobsToTheBrim(t *testing.T) {
	const capacity = 2000
	n := capacity
	for fits := false; !fits; n-- {
		a, err := ctap2.LargeBlobArray{}.Set(nil, make([]byte, 32), incompressible(n))
		if err != nil {
			t.Fatal(err)
		}
		fits = len(a.Append(nil)) == capacity+1 // n-1 will be exact
	}
	for _, told := range []bool{true, false} {
		key, c := connect(t, virtual.Config{LargeBlobCapacity: capacity, Info: func(r *ctap2.GetInfoResponse) {
			if !told {
				r.MaxSerializedLargeBlobArray = 0
			}
		}}, nil)
		k := blobbed(t, key, "ada")[0].LargeBlobKey
		if err := c.SetLargeBlob(t.Context(), nil, k, incompressible(n)); err != nil || len(key.LargeBlobArray()) != capacity {
			t.Errorf("told %v: %d bytes, %v", told, len(key.LargeBlobArray()), err)
		}
		before := key.LargeBlobArray()
		commands := len(key.Commands())
		if err := c.SetLargeBlob(t.Context(), nil, k, incompressible(n+1)); !errors.Is(err, ctap2.StatusLargeBlobStorageFull) || !bytes.Equal(key.LargeBlobArray(), before) {
			t.Errorf("told %v, a byte more: %v", told, err)
		}
		reading := 2 // fragments
		if got := len(key.Commands()) - commands - reading; (got == 0) != told {
			t.Errorf("told %v: %d commands are sent to write too much", told, got)
		}
	}
}

// One token for a whole piece of work: to list passkeys, read and delete the blob
// of one, and delete it.
func TestOneTokenForListAndLargeBlob(t *testing.T) {
	for _, protocol := range []pinuv.Protocol{pinuv.One, pinuv.Two} {
		key, c := connect(t, virtual.Config{Protocols: []pinuv.Protocol{protocol}, History: 1000}, nil)
		added := blobbed(t, key, "ada", "bob")
		for _, k := range added {
			if err := key.SetLargeBlob(k.ID, k.User.ID); err != nil {
				t.Fatal(err)
			}
		}
		if err := key.SetPIN([]byte("1234")); err != nil {
			t.Fatal(err)
		}
		asked := 0
		token, err := c.Token(t.Context(), ctap2.PermissionCM|ctap2.PermissionLBW, "", ctap2.TokenPrompt{
			PIN: func(context.Context, ctap2.PINRetries, error) ([]byte, error) { asked++; return []byte("1234"), nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		rps, err := c.RPs(t.Context(), token)
		if err != nil || len(rps) != 1 {
			t.Fatal(rps, err)
		}
		list, err := c.Credentials(t.Context(), token, rps[0].RPIDHash)
		if err != nil || len(list) != 2 {
			t.Fatal(list, err)
		}
		for _, k := range list {
			i := slices.IndexFunc(added, func(a virtual.Credential) bool { return bytes.Equal(a.ID, k.ID.ID) })
			if !bytes.Equal(k.LargeBlobKey, added[i].LargeBlobKey) || len(k.LargeBlobKey) != 32 {
				t.Errorf("%v: the key of %s is another in the list", protocol, k.User.ID)
			}
			if data, err := c.GetLargeBlob(t.Context(), k.LargeBlobKey); err != nil || !bytes.Equal(data, k.User.ID) {
				t.Errorf("%v: %q, %v", protocol, data, err)
			}
		}
		if err := c.DeleteLargeBlob(t.Context(), token, list[0].LargeBlobKey); err != nil {
			t.Fatal(err)
		}
		if err := c.DeleteCredential(t.Context(), token, list[0].ID); err != nil {
			t.Fatal(err)
		}
		if data, err := c.GetLargeBlob(t.Context(), list[1].LargeBlobKey); err != nil || !bytes.Equal(data, list[1].User.ID) || len(key.Credentials()) != 1 {
			t.Errorf("%v: the other has %q, %v", protocol, data, err)
		}
		if asked != 1 {
			t.Errorf("%v: the PIN is asked for %d times", protocol, asked)
		}
	}
}

// A token that a login has used still writes, and nothing else.
func TestLargeBlobAfterLogin(t *testing.T) {
	key, c := connect(t, virtual.Config{}, nil)
	blobbed(t, key, "ada", "bob")
	if err := key.SetPIN([]byte("1234")); err != nil {
		t.Fatal(err)
	}
	token, err := c.PINToken(t.Context(), []byte("1234"), ctap2.PermissionGA|ctap2.PermissionLBW, "example.com")
	if err != nil {
		t.Fatal(err)
	}
	r := &ctap2.GetAssertionRequest{RPID: "example.com", ClientDataHash: clientDataHash}
	r.Extensions.RequestLargeBlobKey()
	r.Authorize(token)
	all, err := c.GetAssertions(t.Context(), r)
	if err != nil || len(all) != 2 || bytes.Equal(all[0].LargeBlobKey, all[1].LargeBlobKey) {
		t.Fatal(len(all), err)
	}
	for _, a := range all {
		if err := c.SetLargeBlob(t.Context(), token, a.LargeBlobKey, a.User.ID); err != nil {
			t.Fatal(err)
		}
	}
	for _, a := range all {
		if data, err := c.GetLargeBlob(t.Context(), a.LargeBlobKey); err != nil || !bytes.Equal(data, a.User.ID) {
			t.Errorf("%q, %v", data, err)
		}
	}
	if _, err := c.GetAssertions(t.Context(), r); !errors.Is(err, ctap2.StatusPINAuthInvalid) {
		t.Errorf("another login with it: %v", err)
	}
	for _, wrong := range []ctap2.Permissions{ctap2.PermissionGA, ctap2.PermissionCM} {
		other, err := c.PINToken(t.Context(), []byte("1234"), wrong, "example.com")
		if err != nil {
			t.Fatal(err)
		}
		if err := c.SetLargeBlob(t.Context(), other, all[0].LargeBlobKey, nil); !errors.Is(err, ctap2.StatusPINAuthInvalid) {
			t.Errorf("with the permission %v: %v", wrong, err)
		}
	}
	if err := c.SetLargeBlob(t.Context(), nil, all[0].LargeBlobKey, nil); !errors.Is(err, ctap2.StatusPUATRequired) {
		t.Errorf("without a token: %v", err)
	}
}

// neighbour is a transport on which another program sends something before
// certain commands.
type neighbour struct {
	ctap2.Transport
	before func(request []byte)
}

func (n *neighbour) CBOR(ctx context.Context, dst, request []byte, waiting func(byte)) ([]byte, error) {
	n.before(request)
	return n.Transport.CBOR(ctx, dst, request, waiting)
}

// Another program's command between two fragments makes the key drop the first.
// The client begins again, with what the other may have stored meanwhile, and
// gives up in the end.
func TestLargeBlobsDisturbed(t *testing.T) {
	for _, test := range []struct {
		disturbances int
		writes       bool // the other stores a blob of its own
		want         error
	}{{0, false, nil}, {1, false, nil}, {2, false, nil}, {2, true, nil}, {3, false, ctap2.StatusInvalidSeq}} {
		key, err := virtual.New(virtual.Config{MaxMsgSize: 1024})
		if err != nil {
			t.Fatal(err)
		}
		all := blobbed(t, key, "ada", "bob")
		other := ctap2.NewClient(key.Direct(), nil)
		left := test.disturbances
		c := ctap2.NewClient(&neighbour{key.Direct(), func(request []byte) {
			r, err := ctap2.ParseLargeBlobsRequest(request[1:])
			if request[0] != byte(ctap2.CommandLargeBlobs) || err != nil || r.Set == nil || *r.Offset == 0 || left == 0 {
				return
			}
			left--
			if !test.writes {
				if _, err := other.GetInfo(t.Context()); err != nil {
					t.Error(err)
				}
			} else if err := other.SetLargeBlob(t.Context(), nil, all[1].LargeBlobKey, []byte("bob's")); err != nil {
				t.Error(err)
			}
		}}, nil)
		data := incompressible(2500)
		if err := c.SetLargeBlob(t.Context(), nil, all[0].LargeBlobKey, data); !errors.Is(err, test.want) || (err == nil) != (test.want == nil) {
			t.Errorf("%+v: %v", test, err)
		}
		got, err := key.LargeBlob(all[0].ID)
		if test.want == nil && !bytes.Equal(got, data) || test.want != nil && !errors.Is(err, ctap2.ErrNoLargeBlob) {
			t.Errorf("%+v: %d bytes, %v", test, len(got), err)
		}
		if got, err := key.LargeBlob(all[1].ID); test.writes && (err != nil || string(got) != "bob's") {
			t.Errorf("%+v: the other's is %q, %v", test, got, err)
		}
	}
}

// Another program writes while the array is being read: what was read is parts of
// two arrays, and no damage.
func TestLargeBlobsReadWhileWritten(t *testing.T) {
	key, err := virtual.New(virtual.Config{MaxMsgSize: 1024})
	if err != nil {
		t.Fatal(err)
	}
	k := blobbed(t, key, "ada")[0]
	if err := key.SetLargeBlob(k.ID, incompressible(2500)); err != nil {
		t.Fatal(err)
	}
	written := false
	c := ctap2.NewClient(&neighbour{key.Direct(), func(request []byte) {
		r, err := ctap2.ParseLargeBlobsRequest(request[1:])
		if request[0] != byte(ctap2.CommandLargeBlobs) || err != nil || *r.Offset == 0 || written {
			return
		}
		written = true
		if err := key.SetLargeBlob(k.ID, incompressible(2400)); err != nil {
			t.Error(err)
		}
	}}, nil)
	if data, err := c.GetLargeBlob(t.Context(), k.LargeBlobKey); err != nil || !bytes.Equal(data, incompressible(2400)) {
		t.Errorf("%d bytes, %v", len(data), err)
	}
	if got := len(key.Commands()); got != 1+3+3 {
		t.Errorf("%d commands", got)
	}
}

// The extension largeBlob, from registration to a blob that is replaced.
func TestLargeBlobExtensionOfSoftwareKey(t *testing.T) {
	key, c := connect(t, virtual.Config{LargeBlobExtension: true}, nil)
	r := registration("ada")
	r.Extensions.SetLargeBlobSupport(ctap2.LargeBlobRequired)
	made, err := c.MakeCredential(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if o, err := made.UnsignedExtensionOutputs.LargeBlob(); err != nil || o == nil || o.Supported == nil || !*o.Supported {
		t.Fatalf("%+v, %v", o, err)
	}
	id := made.AuthData.AttestedCredentialData.CredentialID
	use := func(set func(*ctap2.Extensions)) *ctap2.LargeBlobOutput {
		t.Helper()
		request := &ctap2.GetAssertionRequest{
			RPID: "example.com", ClientDataHash: clientDataHash,
			AllowList: []ctap2.PublicKeyCredentialDescriptor{{ID: id, Type: ctap2.TypePublicKey}},
		}
		set(&request.Extensions)
		a, err := c.GetAssertion(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		if err := made.AuthData.AttestedCredentialData.PublicKey.Verify(slices.Concat(a.AuthData.Raw, clientDataHash), a.Signature); err != nil {
			t.Error(err)
		}
		o, err := a.UnsignedExtensionOutputs.LargeBlob()
		if err != nil || o == nil {
			t.Fatal(o, err)
		}
		return o
	}
	if data, err := use((*ctap2.Extensions).RequestLargeBlob).Data(); data != nil || err != nil {
		t.Errorf("nothing stored: %q, %v", data, err)
	}
	for _, data := range [][]byte{{}, {1}, []byte("a certificate"), bytes.Repeat([]byte("long "), 20000), []byte("last")} {
		o := use(func(e *ctap2.Extensions) {
			if err := e.SetLargeBlob(data); err != nil {
				t.Fatal(err)
			}
		})
		if o.Written == nil || !*o.Written {
			t.Errorf("%d bytes: %+v", len(data), o)
		}
		key.PowerCycle()
		if got, err := use((*ctap2.Extensions).RequestLargeBlob).Data(); err != nil || got == nil || !bytes.Equal(got, data) {
			t.Errorf("%d bytes: %d, %v", len(data), len(got), err)
		}
	}
	if err := c.SetLargeBlob(t.Context(), nil, make([]byte, 32), nil); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("the command of a key with the extension: %v", err)
	}
	if d, err := cbor.Check(nil, made.Raw); err != nil || len(d) > 0 {
		t.Errorf("%v, %v", d, err)
	}
}
