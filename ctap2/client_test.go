package ctap2_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
)

func TestInfoIsRemembered(t *testing.T) {
	const info = "authenticatorGetInfo"
	vendor := func(command ctap2.Command) func(*ctap2.Client) error {
		return func(c *ctap2.Client) error { return second(c.Command(t.Context(), command, nil)) }
	}
	pin := func(sub ctap2.ClientPINSubCommand) func(*ctap2.Client) error {
		return func(c *ctap2.Client) error {
			return second(c.ClientPIN(t.Context(), &ctap2.ClientPINRequest{SubCommand: sub}))
		}
	}
	for _, test := range []struct {
		name   string
		call   func(*ctap2.Client) error
		forget bool
	}{
		{"nothing", func(*ctap2.Client) error { return nil }, false},
		{"getPINRetries", pin(ctap2.GetPINRetries), false},
		{"setPIN", pin(ctap2.SetPIN), true},
		{"changePIN", pin(ctap2.ChangePIN), true},
		{"selection", func(c *ctap2.Client) error { return c.Selection(t.Context()) }, false},
		{"reset", func(c *ctap2.Client) error { return c.Reset(t.Context()) }, true},
		{"authenticatorConfig", vendor(ctap2.CommandConfig), true},
		{"bioEnrollment", vendor(ctap2.CommandBioEnrollment), true},
		{"credentialManagement", vendor(ctap2.CommandCredentialManagement), false},
		{"a vendor's command", vendor(0x50), true},
	} {
		k := newFakeKey(t, "1234", pinuv.Two)
		for _, command := range []ctap2.Command{ctap2.CommandConfig, ctap2.CommandBioEnrollment, ctap2.CommandCredentialManagement} {
			k.answers[command] = status(ctap2.StatusSuccess)
		}
		k.pins[ctap2.SetPIN], k.pins[ctap2.ChangePIN] = []byte{0}, []byte{0x31}
		c := ctap2.NewClient(k, nil)
		first, err := c.Info(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if again, err := c.Info(t.Context()); again != first || err != nil {
			t.Errorf("%s: Info asks twice: %v", test.name, err)
		}
		_ = test.call(c) // some fail, and count all the same
		k.took()
		if _, err := c.Info(t.Context()); err != nil {
			t.Fatal(err)
		}
		if asked := slices.Equal(k.took(), []string{info}); asked != test.forget {
			t.Errorf("after %s: asked again: %v", test.name, asked)
		}
		if _, err := c.GetInfo(t.Context()); err != nil || !slices.Equal(k.took(), []string{info}) {
			t.Errorf("%s: GetInfo does not ask: %v", test.name, err)
		}
	}
}

func TestRequestSize(t *testing.T) {
	request := func(n int) *ctap2.MakeCredentialRequest {
		return &ctap2.MakeCredentialRequest{ClientDataHash: make([]byte, n)}
	}
	empty, err := request(1000).Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	around := len(empty) - 1000 // CBOR around the bytes
	for _, test := range []struct {
		name       string
		size       int
		maxMsgSize uint
		known      bool
		want       []string
		tooLarge   bool
	}{
		{"1,024 bytes, getInfo unknown", 1024, 2048, false, []string{"authenticatorMakeCredential"}, false},
		{"1,025 bytes, getInfo unknown", 1025, 2048, false, []string{"authenticatorGetInfo", "authenticatorMakeCredential"}, false},
		{"2,048 of 2,048 bytes", 2048, 2048, true, []string{"authenticatorMakeCredential"}, false},
		{"2,049 of 2,048 bytes", 2049, 2048, true, nil, true},
		{"1,025 bytes, no limit given", 1025, 0, false, []string{"authenticatorGetInfo"}, true},
		{"1,000 bytes for a key that takes 900", 1000, 900, true, nil, true},
		{"the largest number announced", 65537, math.MaxUint, false, []string{"authenticatorGetInfo"}, true},
	} {
		k := newFakeKey(t, "", pinuv.Two)
		k.info.MaxMsgSize = test.maxMsgSize
		var came int
		k.answers[ctap2.CommandMakeCredential] = func(b []byte) []byte { came = len(b); return vector(t, "makeCredential reply") }
		c := ctap2.NewClient(k, nil)
		if test.known {
			if _, err := c.Info(t.Context()); err != nil {
				t.Fatal(err)
			}
			k.took()
		}
		_, err := c.MakeCredential(t.Context(), request(test.size-around))
		if errors.Is(err, ctap2.StatusRequestTooLarge) != test.tooLarge || err != nil && !test.tooLarge {
			t.Errorf("%s: %v", test.name, err)
		}
		if got := k.took(); !slices.Equal(got, test.want) {
			t.Errorf("%s: sent %q, want %q", test.name, got, test.want)
		}
		if !test.tooLarge && came != test.size {
			t.Errorf("%s: sent %d bytes", test.name, came)
		}
	}
}

func TestReplyOfAnyShape(t *testing.T) {
	lost := errors.New("unplugged")
	for _, test := range []struct {
		name  string
		reply []byte
		err   error
		want  error
	}{
		{"no byte at all", nil, nil, ctap2.ErrNoStatus},
		{"transport fails", nil, lost, lost},
		{"status", []byte{0x2e}, nil, ctap2.StatusNoCredentials},
		{"status with more behind it", []byte{0x27, 1, 2, 3}, nil, ctap2.StatusOperationDenied},
		{"vendor's status", []byte{0xf1}, nil, ctap2.Status(0xf1)},
		{"cancelled by someone else", []byte{0x2d}, nil, ctap2.StatusKeepaliveCancel},
		{"cut short", []byte{0, 0xa1}, nil, io.ErrUnexpectedEOF},
	} {
		c := ctap2.NewClient(transportFunc(func(context.Context, []byte, func(byte)) ([]byte, error) { return test.reply, test.err }), nil)
		_, err := c.GetAssertion(t.Context(), &ctap2.GetAssertionRequest{RPID: "a", ClientDataHash: clientDataHash})
		command, ok := errors.AsType[*ctap2.CommandError](err)
		if !ok || command.Command != ctap2.CommandGetAssertion || !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
	}
	c := ctap2.NewClient(&script{replies: [][]byte{{0}, {0, 1, 2, 3}, {0xf2}}}, nil)
	for _, want := range [][]byte{{}, {1, 2, 3}, nil} {
		b, err := c.Command(t.Context(), 0x50, []byte{0xa0})
		if !bytes.Equal(b, want) || (err != nil) != (want == nil) {
			t.Errorf("Command: %x, %v, want %x", b, err, want)
		}
	}
}

func TestStrict(t *testing.T) {
	const zero = "00000000000000000000000000000000"
	loose := unhex(t, "00a20350"+zero+"01816155")
	m := members(t, vector(t, "getAssertion reply")[1:])
	data := append(bytes.Clone(vector(t, "getAssertion authData")), unhex(t, "a161611801")...)
	data[32] |= byte(ctap2.FlagED)
	m[2], _ = cbor.Marshal(data)
	asserted := append([]byte{0}, spliceAll(t, m)...)
	m = members(t, vector(t, "makeCredential reply")[1:])
	data = append(bytes.Clone(vector(t, "makeCredential authData")), unhex(t, "a161611801")...)
	data[32] |= byte(ctap2.FlagED)
	m[2], _ = cbor.Marshal(data)
	made := append([]byte{0}, spliceAll(t, m)...)
	for _, strict := range []bool{false, true} {
		c := ctap2.NewClient(&script{replies: [][]byte{loose, asserted, made}}, &ctap2.ClientConfig{Strict: strict})
		_, infoErr := c.GetInfo(t.Context())
		_, assertionErr := c.GetAssertion(t.Context(), &ctap2.GetAssertionRequest{RPID: "a", ClientDataHash: clientDataHash})
		_, madeErr := c.MakeCredential(t.Context(), &ctap2.MakeCredentialRequest{})
		for _, test := range []struct {
			err  error
			kind cbor.Kind
		}{{infoErr, cbor.UnsortedKeys}, {assertionErr, cbor.NonMinimalInt}, {madeErr, cbor.NonMinimalInt}} {
			deviation, refused := errors.AsType[*cbor.DeviationError](test.err)
			_, isReply := errors.AsType[*ctap2.ReplyError](test.err)
			if refused != strict || isReply != strict || !strict && test.err != nil || strict && deviation.Kind != test.kind {
				t.Errorf("strict %v: %v", strict, test.err)
			}
		}
	}
}

// A call waits for its turn as long as its context allows, and what is in turn
// is not disturbed.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var order []string
		k := newFakeKey(t, "1234", pinuv.Two)
		c := ctap2.NewClient(transportFunc(func(ctx context.Context, request []byte, waiting func(byte)) ([]byte, error) {
			order = append(order, ctap2.Command(request[0]).String())
			if ctap2.Command(request[0]) == ctap2.CommandClientPIN {
				<-release
			}
			return k.CBOR(ctx, nil, request, waiting)
		}), nil)
		done := make(chan error)
		go func() {
			_, err := c.PINToken(t.Context(), []byte("1234"), ctap2.PermissionMC, "a")
			done <- err
		}()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := c.GetInfo(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("waiting for the turn: %v", err)
		}
		other := make(chan error)
		go func() { other <- c.Reset(t.Context()) }()
		synctest.Wait()
		close(release)
		if err := errors.Join(<-done, <-other); err != nil {
			t.Error(err)
		}
		want := []string{"authenticatorGetInfo", "authenticatorClientPIN", "authenticatorClientPIN", "authenticatorReset"}
		if !slices.Equal(order, want) {
			t.Errorf("order %q, want %q", order, want)
		}
	})
}

func TestContextEndsCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sent := 0
		// A key that waits for a touch and answers a cancel as it should.
		key := transportFunc(func(ctx context.Context, _ []byte, _ func(byte)) ([]byte, error) {
			sent++
			<-ctx.Done()
			return []byte{byte(ctap2.StatusKeepaliveCancel)}, nil
		})
		canceled, cancel := context.WithCancel(t.Context())
		cancel()
		if err := ctap2.NewClient(key, nil).Reset(canceled); !errors.Is(err, context.Canceled) || sent != 0 {
			t.Errorf("already cancelled: %v, %d requests", err, sent)
		}
		for _, test := range []struct {
			name    string
			timeout time.Duration
			want    time.Duration
		}{
			{"default", 0, 2 * time.Minute}, {"configured", time.Second, time.Second}, {"none", -1, time.Hour},
		} {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Hour, cancel)
			start := time.Now()
			err := ctap2.NewClient(key, &ctap2.ClientConfig{Timeout: test.timeout}).Reset(ctx)
			want := context.DeadlineExceeded
			if test.timeout < 0 {
				want = context.Canceled
			}
			if !errors.Is(err, want) || errors.Is(err, ctap2.StatusKeepaliveCancel) || time.Since(start) != test.want {
				t.Errorf("%s: %v after %v", test.name, err, time.Since(start))
			}
			cancel()
		}
	})
}

func TestWaiting(t *testing.T) {
	var seen []byte
	c := ctap2.NewClient(newFakeKey(t, "", pinuv.Two), &ctap2.ClientConfig{Waiting: func(status byte) { seen = append(seen, status) }})
	if err := c.Selection(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(seen, []byte{ctap2.WaitingUPNeeded}) {
		t.Errorf("seen %v", seen)
	}
}

func TestReserve(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := ctap2.NewClient(newFakeKey(t, "", pinuv.Two), nil)
		release, err := c.Reserve(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := c.WithWaiting(nil).Reserve(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("reserved twice: %v", err)
		}
		if _, err := c.GetInfo(t.Context()); err != nil {
			t.Errorf("a call in between: %v", err)
		}
		next := make(chan func())
		go func() {
			release, _ := c.Reserve(t.Context())
			next <- release
		}()
		synctest.Wait()
		release()
		releaseNext := <-next
		release() // which is over
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := c.Reserve(ctx); err == nil {
			t.Error("released what another has reserved")
		}
		releaseNext()
		if _, err := c.Reserve(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestWithWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var first, second []byte
		k := newFakeKey(t, "", pinuv.Two)
		c := ctap2.NewClient(k, &ctap2.ClientConfig{Waiting: func(status byte) { first = append(first, status) }})
		other := c.WithWaiting(func(status byte) { second = append(second, status) })
		for _, test := range []struct {
			name          string
			client        *ctap2.Client
			first, second int // calls
		}{
			{"another function", other, 0, 1},
			{"the first client", c, 1, 1},
			{"no function", other.WithWaiting(nil), 1, 1},
		} {
			if err := test.client.Selection(t.Context()); err != nil {
				t.Fatal(err)
			}
			if len(first) != test.first || len(second) != test.second {
				t.Errorf("%s: called %d and %d times", test.name, len(first), len(second))
			}
		}

		// One memory.
		k.took()
		info, err := c.GetInfo(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if same, err := other.Info(t.Context()); same != info || err != nil || len(k.took()) != 1 {
			t.Errorf("Info of the other client asks again: %v", err)
		}

		// One turn.
		touch := make(chan struct{})
		k.answers[ctap2.CommandSelection] = func([]byte) []byte { <-touch; return []byte{0} }
		done := make(chan error)
		go func() { done <- c.Selection(t.Context()) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := other.GetInfo(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the other client does not wait for its turn: %v", err)
		}
		close(touch)
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestSelection(t *testing.T) {
	old := []string{ctap2.VersionFIDO20}
	const selection, dummy = "authenticatorSelection", "authenticatorMakeCredential"
	for _, test := range []struct {
		name     string
		versions []string
		noPIN    bool
		answer   ctap2.Status // to makeCredential
		change   func(*fakeKey)
		want     error
		sent     []string
	}{
		{name: "CTAP 2.1", versions: []string{ctap2.VersionFIDO21}, sent: []string{selection}},
		{name: "CTAP 2.3", versions: []string{ctap2.VersionFIDO23}, sent: []string{selection}},
		{name: "CTAP 2.1, declined", versions: []string{ctap2.VersionFIDO21}, want: ctap2.StatusOperationDenied, sent: []string{selection},
			change: func(k *fakeKey) { k.answers[ctap2.CommandSelection] = status(ctap2.StatusOperationDenied) }},
		{name: "CTAP 2.1 without the command", versions: []string{ctap2.VersionFIDO21}, answer: ctap2.StatusPINNotSet, sent: []string{selection, dummy},
			change: func(k *fakeKey) { k.answers[ctap2.CommandSelection] = status(ctap2.StatusInvalidCommand) }},
		{name: "CTAP 2.0, no PIN set", versions: old, answer: ctap2.StatusPINNotSet, sent: []string{dummy}},
		{name: "CTAP 2.0, PIN set", versions: old, answer: ctap2.StatusPINInvalid, sent: []string{dummy}},
		{name: "CTAP 2.0, PIN set, other answer", versions: old, answer: ctap2.StatusPINAuthInvalid, sent: []string{dummy}},
		{name: "CTAP 2.0, wants verification without a touch", versions: old, answer: ctap2.StatusPUATRequired, want: ctap2.StatusPUATRequired, sent: []string{dummy}},
		{name: "CTAP 2.0, made one", versions: old, sent: []string{dummy}},
		{name: "CTAP 2.0 preview", versions: []string{ctap2.VersionFIDO20, ctap2.VersionFIDO21Pre}, answer: ctap2.StatusPINNotSet, sent: []string{dummy}},
		{name: "CTAP 2.0, not touched", versions: old, answer: ctap2.StatusOperationDenied, want: ctap2.StatusOperationDenied, sent: []string{dummy}},
		{name: "CTAP 2.0 without PIN support", versions: old, noPIN: true, sent: []string{dummy}},
		{name: "CTAP 2.0 without PIN support wants verification", versions: old, noPIN: true, answer: ctap2.StatusPUATRequired, want: ctap2.StatusPUATRequired, sent: []string{dummy}},
	} {
		k := newFakeKey(t, "", pinuv.One)
		k.info.Versions = test.versions
		if test.noPIN {
			delete(k.info.Options, ctap2.OptionClientPIN)
		}
		k.answers[ctap2.CommandMakeCredential] = func(b []byte) []byte {
			r, err := ctap2.ParseMakeCredentialRequest(b[1:])
			if err != nil {
				t.Fatal(err)
			}
			if r.Has(8) == test.noPIN || r.Has(9) == test.noPIN || len(r.PinUvAuthParam) != 0 || r.Options.RK != nil {
				t.Errorf("%s: %+v", test.name, r)
			}
			return []byte{byte(test.answer)}
		}
		if test.change != nil {
			test.change(k)
		}
		c := ctap2.NewClient(k, nil)
		if _, err := c.Info(t.Context()); err != nil {
			t.Fatal(err)
		}
		k.took()
		if err := c.Selection(t.Context()); !errors.Is(err, test.want) || test.want == nil && err != nil {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
		if sent := k.took(); !slices.Equal(sent, test.sent) {
			t.Errorf("%s: sent %q, want %q", test.name, sent, test.sent)
		}
	}
}

// Requests that can't be encoded are not sent.
func TestRequestNotEncodable(t *testing.T) {
	s := &script{}
	_, err := ctap2.NewClient(s, nil).MakeCredential(t.Context(), &ctap2.MakeCredentialRequest{
		Extensions: ctap2.Extensions{"x": cbor.RawMessage{}},
	})
	if err == nil || !strings.Contains(err.Error(), "authenticatorMakeCredential") || len(s.requests) != 0 {
		t.Errorf("%v, sent %x", err, s.requests)
	}
}

// Each verb, with what it names in its errors.
func verbs(ctx context.Context, c *ctap2.Client) map[string]func() error {
	ga := &ctap2.GetAssertionRequest{RPID: "a", ClientDataHash: clientDataHash}
	pin := []byte("1234")
	return map[string]func() error{
		"authenticatorGetInfo":          func() error { return second(c.GetInfo(ctx)) },
		"authenticatorGetInfo: ":        func() error { return second(c.Info(ctx)) },
		"authenticatorMakeCredential":   func() error { return second(c.MakeCredential(ctx, &ctap2.MakeCredentialRequest{})) },
		"authenticatorGetAssertion":     func() error { return second(c.GetAssertion(ctx, ga)) },
		"authenticatorGetAssertion: ":   func() error { return second(c.GetAssertions(ctx, ga)) },
		"authenticatorGetNextAssertion": func() error { return second(c.GetNextAssertion(ctx)) },
		"getPINRetries":                 func() error { return second(c.PINRetries(ctx)) },
		"getUVRetries":                  func() error { return second(c.UVRetries(ctx)) },
		"getKeyAgreement": func() error {
			return second(c.ClientPIN(ctx, &ctap2.ClientPINRequest{SubCommand: ctap2.GetKeyAgreement}))
		},
		"setPIN":                    func() error { return c.SetPIN(ctx, pin) },
		"changePIN":                 func() error { return c.ChangePIN(ctx, pin, pin) },
		"UsingPinWithPermissions":   func() error { return second(c.PINToken(ctx, pin, ctap2.PermissionGA, "a")) },
		"UsingUvWithPermissions":    func() error { return second(c.UVToken(ctx, ctap2.PermissionGA, "a")) },
		"authenticatorSelection":    func() error { return c.Selection(ctx) },
		"authenticatorReset":        func() error { return c.Reset(ctx) },
		"getCredsMetadata":          func() error { return second(c.CredentialsMetadata(ctx, nil)) },
		"enumerateRPsBegin":         func() error { return second(c.RPs(ctx, nil)) },
		"enumerateCredentialsBegin": func() error { return second(c.Credentials(ctx, nil, [32]byte{})) },
		"deleteCredential":          func() error { return c.DeleteCredential(ctx, nil, ctap2.PublicKeyCredentialDescriptor{}) },
		"updateUserInformation": func() error {
			return c.UpdateUserInformation(ctx, nil, ctap2.PublicKeyCredentialDescriptor{}, ctap2.PublicKeyCredentialUserEntity{})
		},
		"authenticatorBioEnrollment":     func() error { return second(c.BioModality(ctx)) },
		"getFingerprintSensorInfo":       func() error { return second(c.FingerprintSensorInfo(ctx)) },
		"enrollBegin":                    func() error { return second(c.EnrollFingerprint(ctx, nil, nil)) },
		"enumerateEnrollments":           func() error { return second(c.Fingerprints(ctx, nil)) },
		"setFriendlyName":                func() error { return c.SetFingerprintName(ctx, nil, nil, "") },
		"removeEnrollment":               func() error { return c.RemoveFingerprint(ctx, nil, nil) },
		"authenticatorLargeBlobs":        func() error { return second(c.ReadLargeBlobs(ctx)) },
		"authenticatorLargeBlobs:":       func() error { return c.WriteLargeBlobs(ctx, nil, nil) },
		"authenticatorLargeBlobs: ":      func() error { return c.SetLargeBlob(ctx, nil, make([]byte, 32), nil) },
		"LargeBlobs: ":                   func() error { return c.DeleteLargeBlob(ctx, nil, make([]byte, 32)) },
		"enableEnterpriseAttestation":    func() error { return c.EnableEnterpriseAttestation(ctx, nil) },
		"toggleAlwaysUv":                 func() error { return c.ToggleAlwaysUv(ctx, nil) },
		"setMinPINLength":                func() error { return c.SetMinPINLength(ctx, nil, nil) },
		"enableLongTouchForReset":        func() error { return c.EnableLongTouchForReset(ctx, nil) },
		"vendorPrototype":                func() error { return c.VendorPrototype(ctx, nil, 1, nil) },
		"authenticatorMakeCredential:":   func() error { return second(c.MakeCredentialWithList(ctx, &ctap2.MakeCredentialRequest{}, nil)) },
		"authenticatorGetAssertion:":     func() error { return second(c.GetAssertionWithList(ctx, ga, nil)) },
		"GetAssertion: ":                 func() error { return second(c.FindCredential(ctx, "a", descriptors("a"), nil)) },
		"getKeyAgreement:":               func() error { return second(c.HMACSecretExchange(ctx)) },
		"authenticatorCredentialManagem": func() error { return second(c.Command(ctx, ctap2.CommandCredentialManagement, nil)) },
	}
}

func TestVerbsAfterTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := &script{}
	for name, call := range verbs(ctx, ctap2.NewClient(s, nil)) {
		err := call()
		if _, ok := errors.AsType[*ctap2.CommandError](err); !ok || !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(s.requests) != 0 {
		t.Errorf("sent %x", s.requests)
	}
}

// A key that is gone costs each verb one command and gives the transport's
// error.
func TestVerbsWithoutKey(t *testing.T) {
	lost := errors.New("unplugged")
	sent := 0
	key := transportFunc(func(context.Context, []byte, func(byte)) ([]byte, error) { sent++; return nil, lost })
	for name, call := range verbs(t.Context(), ctap2.NewClient(key, nil)) {
		err := call()
		if _, ok := errors.AsType[*ctap2.CommandError](err); !ok || !errors.Is(err, lost) || sent != 1 {
			t.Errorf("%s: %v after %d commands", name, err, sent)
		}
		sent = 0
	}
}

// Replies that are lost after getInfo, one command further each time.
func TestVerbsKeyLostInBetween(t *testing.T) {
	lost := errors.New("unplugged")
	for after := 1; after <= 3; after++ {
		for name := range verbs(t.Context(), nil) {
			k := newFakeKey(t, "1234", pinuv.Two)
			k.info.Options[ctap2.OptionUV] = true
			sent := 0
			c := ctap2.NewClient(transportFunc(func(ctx context.Context, request []byte, waiting func(byte)) ([]byte, error) {
				if sent++; sent > after {
					return nil, lost
				}
				return k.CBOR(ctx, nil, request, waiting)
			}), nil)
			if err := verbs(t.Context(), c)[name](); errors.Is(err, lost) != (sent > after) {
				t.Errorf("%s, lost after %d commands: %v", name, after, err)
			}
		}
	}
}
