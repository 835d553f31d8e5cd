package ctap2_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
)

// A listKey is a key that has one credential, and limits.
type listKey struct {
	t         *testing.T
	k         *fakeKey
	has       string
	takes     int          // entries of a list, whatever getInfo says
	silent    ctap2.Status // refuses to answer silently
	miss      ctap2.Status
	protected bool // found only by an authorised request
	making    bool // no assertion is wanted
	sent      []string
}

func newListKey(t *testing.T) *listKey {
	k := &listKey{t: t, k: newFakeKey(t, "1234", pinuv.Two), takes: 100, miss: ctap2.StatusNoCredentials}
	k.k.answers[ctap2.CommandGetAssertion] = k.getAssertion
	k.k.answers[ctap2.CommandMakeCredential] = k.makeCredential
	return k
}

// note notes a request as "ga up=false token abc", the last being the first bytes
// of the IDs.
func (k *listKey) note(command string, silent, token bool, list []ctap2.PublicKeyCredentialDescriptor) {
	if silent {
		command += " silent"
	}
	if token {
		command += " token"
	}
	if list != nil {
		command += " "
	}
	for _, d := range list {
		command += string(d.ID[:1])
	}
	k.sent = append(k.sent, command)
}

func (k *listKey) lookUp(list []ctap2.PublicKeyCredentialDescriptor, token bool) (int, ctap2.Status) {
	if len(list) > k.takes {
		return 0, ctap2.StatusLimitExceeded
	}
	i := slices.IndexFunc(list, func(d ctap2.PublicKeyCredentialDescriptor) bool {
		return k.has != "" && bytes.HasPrefix(d.ID, []byte(k.has))
	})
	if i < 0 || k.protected && !token {
		return 0, k.miss
	}
	return i, ctap2.StatusSuccess
}

func (k *listKey) getAssertion(b []byte) []byte {
	r, err := ctap2.ParseGetAssertionRequest(b[1:])
	if err != nil {
		k.t.Fatal(err)
	}
	silent := r.Options.UP != nil && !*r.Options.UP
	token := r.PinUvAuthParam != nil
	k.note("ga", silent, token, r.AllowList)
	if token && !someToken(k.t, pinuv.Two).Verify(r.ClientDataHash, r.PinUvAuthParam) {
		return []byte{byte(ctap2.StatusPINAuthInvalid)}
	}
	if zeros := bytes.Equal(r.ClientDataHash, make([]byte, 32)); zeros != (silent || k.making) {
		k.t.Errorf("silent %v, client data hash %x", silent, r.ClientDataHash)
	}
	if len(b) > k.k.info.MaxMessage() {
		k.t.Errorf("a request of %d bytes", len(b))
	}
	if silent && k.silent != 0 {
		return []byte{byte(k.silent)}
	}
	i, s := k.lookUp(r.AllowList, token)
	if s != 0 {
		return []byte{byte(s)}
	}
	response := &ctap2.GetAssertionResponse{Credential: r.AllowList[i], Signature: []byte{1}}
	response.AuthData.Raw = vector(k.t, "getAssertion authData")
	response.Credential.Transports = nil
	return k.k.success(nil, response)
}

func (k *listKey) makeCredential(b []byte) []byte {
	r, err := ctap2.ParseMakeCredentialRequest(b[1:])
	if err != nil {
		k.t.Fatal(err)
	}
	k.note("mc", false, r.PinUvAuthParam != nil, r.ExcludeList)
	i, s := k.lookUp(r.ExcludeList, r.PinUvAuthParam != nil)
	if s == ctap2.StatusLimitExceeded {
		return []byte{byte(s)}
	}
	if s == 0 && i >= 0 {
		return []byte{byte(ctap2.StatusCredentialExcluded)}
	}
	return vector(k.t, "makeCredential reply")
}

// ids makes descriptors whose IDs start with the letters and have 32 bytes.
func ids(letters string) (list []ctap2.PublicKeyCredentialDescriptor) {
	for _, c := range letters {
		id := append([]byte{byte(c)}, make([]byte, 31)...)
		list = append(list, ctap2.PublicKeyCredentialDescriptor{ID: id, Type: ctap2.TypePublicKey, Transports: []string{"usb"}})
	}
	return list
}

func TestLongLists(t *testing.T) {
	limit := func(n uint) func(*listKey) { return func(k *listKey) { k.k.info.MaxCredentialCountInList = n } }
	for _, test := range []struct {
		name    string
		has     string
		list    string
		change  func(*listKey)
		fresh   bool // nothing is known of the key
		ga, mc  []string
		noMatch bool // for getAssertion
	}{
		{"no list", "", "", limit(1), true, []string{"ga"}, []string{"mc"}, true},
		{"one, nothing known", "a", "a", limit(1), true, []string{"ga a"}, []string{"mc a"}, false},
		{"as many as it takes", "c", "abc", limit(3), false, []string{"ga abc"}, []string{"mc abc"}, false},
		{"one more, in the first part", "b", "abcd", limit(3), false, []string{"ga silent abc", "ga b"}, []string{"ga silent abc", "mc b"}, false},
		{"one more, in the second part", "d", "abcd", limit(3), false, []string{"ga silent abc", "ga silent d", "ga d"}, []string{"ga silent abc", "ga silent d", "mc d"}, false},
		{"one more, none", "", "abcd", limit(3), false, []string{"ga silent abc", "ga silent d", "ga a"}, []string{"ga silent abc", "ga silent d", "mc"}, true},
		{"a miss of another kind", "c", "abc", func(k *listKey) { limit(1)(k); k.miss = ctap2.StatusInvalidCredential }, false,
			[]string{"ga silent a", "ga silent b", "ga silent c", "ga c"}, []string{"ga silent a", "ga silent b", "ga silent c", "mc c"}, false},
		{"limit not told", "c", "abc", limit(0), false, []string{"ga abc"}, []string{"mc abc"}, false},
		{"limit not told, and too many", "c", "abc", func(k *listKey) { k.takes = 2 }, false,
			[]string{"ga abc", "ga silent a", "ga silent b", "ga silent c", "ga c"}, []string{"mc abc", "ga silent a", "ga silent b", "ga silent c", "mc c"}, false},
		{"limit told wrongly", "c", "abcde", func(k *listKey) { limit(4)(k); k.takes = 2 }, false,
			[]string{"ga silent abcd", "ga silent ab", "ga silent cd", "ga c"}, []string{"ga silent abcd", "ga silent ab", "ga silent cd", "mc c"}, false},
		{"silence refused", "d", "abcd", func(k *listKey) { limit(2)(k); k.silent = ctap2.StatusUPRequired }, false,
			[]string{"ga silent ab", "ga ab", "ga cd"}, []string{"ga silent ab", "ga cd"}, false},
		{"silence refused, in the first part", "b", "abcde", func(k *listKey) { limit(2)(k); k.silent = ctap2.StatusUPRequired }, false,
			[]string{"ga silent ab", "ga ab"}, []string{"ga silent ab", "ga cd", "ga e", "mc ab"}, false},
		{"silence refused, none", "", "abcd", func(k *listKey) { limit(2)(k); k.silent = ctap2.StatusUPRequired }, false,
			[]string{"ga silent ab", "ga ab", "ga cd"}, []string{"ga silent ab", "ga cd", "mc ab"}, true},
		{"silence wants verification", "a", "abc", func(k *listKey) { limit(2)(k); k.silent = ctap2.StatusPUATRequired }, false,
			[]string{"ga silent ab", "ga ab"}, []string{"ga silent ab", "ga c", "mc ab"}, false},
		{"IDs longer than the key's", "c", "abc", func(k *listKey) { k.k.info.MaxCredentialIDLength = 31; limit(8)(k) }, false, []string{"ga \x00"}, []string{"mc"}, true},
		{"nothing known", "b", "ab", limit(8), true, []string{"authenticatorGetInfo", "ga ab"}, []string{"authenticatorGetInfo", "mc ab"}, false},
		{"more than a message holds", "z", "abcdefghijklmnopqrstuvwxyz", func(k *listKey) { limit(100)(k); k.k.info.MaxMsgSize = 1024 }, false,
			[]string{"ga silent abcdefghijklm", "ga silent nopqrstuvwxyz", "ga z"}, []string{"ga silent abcdefghijklm", "ga silent nopqrstuvwxyz", "mc z"}, false},
	} {
		for _, withToken := range []bool{false, true} {
			for _, making := range []bool{false, true} {
				k := newListKey(t)
				k.has, k.protected, k.making = test.has, withToken, making
				if test.change != nil {
					test.change(k)
				}
				c := ctap2.NewClient(k.k, nil)
				if !test.fresh {
					if _, err := c.Info(t.Context()); err != nil {
						t.Fatal(err)
					}
					k.k.took()
				}
				var token *pinuv.Token
				if withToken {
					token = someToken(t, pinuv.Two)
				}
				name := fmt.Sprintf("%s, token %v, making %v", test.name, withToken, making)
				want := slices.Clone(test.ga)
				var err error
				if making {
					want = slices.Clone(test.mc)
					r := &ctap2.MakeCredentialRequest{ClientDataHash: clientDataHash, RP: ctap2.PublicKeyCredentialRPEntity{ID: "a"},
						User: ctap2.PublicKeyCredentialUserEntity{ID: []byte{1}}, PubKeyCredParams: []ctap2.PublicKeyCredentialParameters{}, ExcludeList: ids(test.list)}
					_, err = c.MakeCredentialWithList(t.Context(), r, token)
					if excluded := !test.noMatch; errors.Is(err, ctap2.StatusCredentialExcluded) != excluded || err != nil && !excluded {
						t.Errorf("%s: %v", name, err)
					}
					if len(r.ExcludeList) != len(test.list) || r.PinUvAuthParam != nil {
						t.Errorf("%s: the request is modified", name)
					}
				} else {
					r := &ctap2.GetAssertionRequest{RPID: "a", ClientDataHash: clientDataHash, AllowList: ids(test.list)}
					var response *ctap2.GetAssertionResponse
					response, err = c.GetAssertionWithList(t.Context(), r, token)
					if errors.Is(err, ctap2.StatusNoCredentials) != test.noMatch || err != nil && !test.noMatch || err == nil && response.Credential.ID[0] != test.has[0] {
						t.Errorf("%s: %v", name, err)
					}
					if len(r.AllowList) != len(test.list) || r.PinUvAuthParam != nil {
						t.Errorf("%s: the request is modified", name)
					}
				}
				for i := range want {
					if withToken && want[i] != "authenticatorGetInfo" {
						want[i] = strings.Replace(strings.Replace(strings.Replace(want[i], "ga silent", "GA SILENT token", 1), "ga", "ga token", 1), "mc", "mc token", 1)
						want[i] = strings.Replace(want[i], "GA SILENT", "ga silent", 1)
					}
				}
				if took := k.k.took(); len(took) > len(k.sent) {
					k.sent = append(took[:1], k.sent...)
				}
				if !slices.Equal(k.sent, want) {
					t.Errorf("%s: sent %q\nwant %q", name, k.sent, want)
				}
			}
		}
	}
}

func TestFindCredential(t *testing.T) {
	for _, test := range []struct {
		name   string
		has    string
		list   string
		change func(*listKey)
		found  bool
		err    error
		sent   []string
	}{
		{"empty list", "a", "", nil, false, nil, nil},
		{"there", "b", "abc", nil, true, nil, []string{"ga silent abc"}},
		{"not there", "x", "abc", nil, false, nil, []string{"ga silent abc"}},
		{"IDs too long", "a", "ab", func(k *listKey) { k.k.info.MaxCredentialIDLength = 8 }, false, nil, nil},
		{"refused", "a", "ab", func(k *listKey) { k.silent = ctap2.StatusUnsupportedOption }, false, ctap2.ErrNoSilentProbe, []string{"ga silent ab"}},
		{"refused with a status", "a", "ab", func(k *listKey) { k.silent = ctap2.StatusUnsupportedOption }, false, ctap2.StatusUnsupportedOption, []string{"ga silent ab"}},
		{"token refused", "a", "ab", func(k *listKey) { k.silent = ctap2.StatusPINAuthInvalid }, false, ctap2.StatusPINAuthInvalid, []string{"ga silent ab"}},
	} {
		k := newListKey(t)
		k.has = test.has
		if test.change != nil {
			test.change(k)
		}
		d, err := ctap2.NewClient(k.k, nil).FindCredential(t.Context(), "a", ids(test.list), nil)
		if (d != nil) != test.found || !errors.Is(err, test.err) || (err != nil) != (test.err != nil) {
			t.Errorf("%s: %v, %v", test.name, d, err)
		}
		if d != nil && (d.ID[0] != test.has[0] || d.Transports == nil) {
			t.Errorf("%s: found %v", test.name, d)
		}
		if _, isCommand := errors.AsType[*ctap2.CommandError](err); err != nil && !isCommand {
			t.Errorf("%s: %T", test.name, err)
		}
		if test.err == ctap2.StatusPINAuthInvalid && errors.Is(err, ctap2.ErrNoSilentProbe) {
			t.Errorf("%s: %v", test.name, err)
		}
		if !slices.Equal(k.sent, test.sent) {
			t.Errorf("%s: sent %q", test.name, k.sent)
		}
	}
}

// A key that refuses everything is asked a bounded number of times.
func TestListsOfHostileKey(t *testing.T) {
	for s := range 256 {
		k := newFakeKey(t, "", pinuv.Two)
		k.info.MaxCredentialCountInList = 8
		k.answers[ctap2.CommandGetAssertion], k.answers[ctap2.CommandMakeCredential] = status(ctap2.Status(s)), status(ctap2.Status(s))
		c := ctap2.NewClient(k, nil)
		list := ids(strings.Repeat("abcdefgh", 8))
		_, err := c.GetAssertionWithList(t.Context(), &ctap2.GetAssertionRequest{RPID: "a", ClientDataHash: clientDataHash, AllowList: list}, nil)
		if n := len(k.took()); err == nil || n > 2+2*len(list) {
			t.Errorf("status 0x%02x: %v after %d commands", s, err, n)
		}
	}
}
