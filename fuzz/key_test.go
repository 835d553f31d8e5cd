package fuzz

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/ctap2/u2f"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/ctaphid/ctaphidtest"
)

// The steps of a hostile host, by their place in hostileSteps. Each takes more
// bytes as said. A channel is one byte: see (*hostileHost).channel.
const (
	keyReport  byte = iota // blob: any report, padded
	keyMessage             // channel, command, blob: a message
	keyRequest             // channel, 2 bytes length, and so many: a CTAP2 request
	keyAlter               // channel, which of templates, which CBOR item of it, blob: that in its place
	keyCancel              // channel
	keyOpen                // allocates a channel
	keyResync              // channel
	keySleep               // 1 byte, 50 ms each
	keyPower               // unplugs the key and plugs it in again
)

// FuzzKey is the mirror of FuzzConversation: a hostile host sends reports and
// requests to the software key behind its Server. Whatever it sends, the key
// answers with whole and canonical messages, keeps its limits, and tells the
// truth in getInfo to the next host that opens it.
func FuzzKey(f *testing.F) {
	f.Add(uint16(0), byte(0), []byte{keyOpen, keyRequest, 2, 0, 1, 4})
	for i := range templates {
		f.Add(uint16(hasPIN|hasCredentials), byte(0), []byte{keyOpen, keyAlter, 2, byte(i), 255, 0, keySleep, 4})
		f.Add(uint16(hasUV), byte(i), []byte{keyOpen, keyAlter, 2, byte(i), 3, 1, 0xa0, keyOpen, keyAlter, 3, byte(i), 2, 2, 0x18, 0x20})
	}
	f.Add(uint16(0), byte(1), []byte{keyOpen, keyAlter, 2, 0, 255, 0, keySleep, 5, keyCancel, 2, keyResync, 2, keyAlter, 2, 1, 255, 0})
	f.Add(uint16(hasPIN), byte(20), []byte{keyOpen, keyOpen, keyAlter, 2, 0, 255, 0, keyMessage, 3, 4, 1, 5, keyPower, keyMessage, 2, 1, 2, 1, 2})
	register := []byte{0, 1, 0, 0, 0, 0, 64}
	register = append(register, make([]byte, 64+2)...)
	for _, setup := range []uint16{0, onlyU2F, always | hasPIN} {
		f.Add(setup, byte(0), append([]byte{keyOpen, keyMessage, 2, byte(ctaphid.CommandMSG), byte(len(register))}, register...))
	}
	for i := range templates {
		f.Add(uint16(hasSensor), byte(0), []byte{keyOpen, keyAlter, 2, byte(i), 255, 0, keySleep, 4, keyAlter, 2, byte(i), 255, 0})
	}
	f.Add(uint16(0xc0), byte(0), []byte{keyOpen, keyReport, 8, 0, 0, 0, 1, 0x90, 0, 100, 1, keyReport, 5, 0, 0, 0, 1, 0, keySleep, 20})
	f.Fuzz(func(t *testing.T, setup uint16, user byte, steps []byte) {
		if len(steps) > 1<<12 {
			return // more of the same
		}
		synctest.Test(t, func(t *testing.T) { attackKey(t, conversation{setup: setup, user: user}, steps) })
	})
}

// templates are good requests, which keyAlter changes.
var templates = func() (all [][]byte) {
	hash := bytes.Repeat([]byte{0xcd}, 32)
	list := []ctap2.PublicKeyCredentialDescriptor{{ID: hash, Type: ctap2.TypePublicKey}}
	add := func(r interface{ Append([]byte) ([]byte, error) }) {
		b, err := r.Append(nil)
		if err != nil {
			panic(err)
		}
		all = append(all, b)
	}
	add(&ctap2.MakeCredentialRequest{
		ClientDataHash:   hash,
		RP:               ctap2.PublicKeyCredentialRPEntity{ID: relyingParties[0], Name: "Example"},
		User:             ctap2.PublicKeyCredentialUserEntity{ID: []byte{1}, Name: "ada", DisplayName: "Ada"},
		PubKeyCredParams: []ctap2.PublicKeyCredentialParameters{{Alg: cose.ES256, Type: ctap2.TypePublicKey}},
		ExcludeList:      list,
		Extensions: ctap2.Extensions{
			ctap2.ExtensionCredProtect: {2}, ctap2.ExtensionHMACSecret: {0xf5}, ctap2.ExtensionCredBlob: {0x41, 1},
			ctap2.ExtensionLargeBlobKey: {0xf5}, ctap2.ExtensionMinPINLength: {0xf5}, ctap2.ExtensionThirdPartyPayment: {0xf5},
		},
		Options: ctap2.Options{RK: new(true)},
	})
	add(&ctap2.GetAssertionRequest{RPID: relyingParties[0], ClientDataHash: hash})
	add(&ctap2.GetAssertionRequest{
		RPID: relyingParties[0], ClientDataHash: hash, AllowList: list,
		Options: ctap2.Options{UP: new(false)}, PinUvAuthParam: hash, PinUvAuthProtocol: 2,
	})
	public, err := cose.New(credentialKey.Public(), cose.ECDHESHKDF256)
	if err != nil {
		panic(err)
	}
	for sub := ctap2.GetPINRetries; sub <= ctap2.GetPinUvAuthTokenUsingPinWithPermissions; sub++ {
		add(&ctap2.ClientPINRequest{
			PinUvAuthProtocol: 1, SubCommand: sub, KeyAgreement: public, PinUvAuthParam: hash[:16],
			NewPinEnc: bytes.Repeat([]byte{7}, 64), PinHashEnc: hash[:16],
			Permissions: ctap2.PermissionMC, RPID: relyingParties[0],
		})
	}
	for sub := ctap2.GetCredsMetadata; sub <= ctap2.UpdateUserInformation; sub++ {
		add(&ctap2.CredentialManagementRequest{
			SubCommand: sub, PinUvAuthProtocol: 1, PinUvAuthParam: hash[:16],
			SubCommandParams: &ctap2.CredentialManagementParams{RPIDHash: hash, CredentialID: &list[0], User: &ctap2.PublicKeyCredentialUserEntity{ID: []byte{1}, Name: "ada"}},
		})
	}
	for sub := ctap2.EnrollBegin; sub <= ctap2.GetFingerprintSensorInfo; sub++ {
		add(&ctap2.BioEnrollmentRequest{
			Modality: ctap2.ModalityFingerprint, SubCommand: sub, PinUvAuthProtocol: 1, PinUvAuthParam: hash[:16],
			SubCommandParams: &ctap2.BioEnrollmentParams{TemplateID: hash[:16], TemplateFriendlyName: new("thumb"), TimeoutMilliseconds: 1000},
		})
	}
	add(&ctap2.BioEnrollmentRequest{GetModality: true})
	// A key without a PIN takes these without a proof.
	for sub := ctap2.EnableEnterpriseAttestation; sub <= ctap2.EnableLongTouchForReset; sub++ {
		add(&ctap2.ConfigRequest{SubCommand: sub})
	}
	add(&ctap2.ConfigRequest{SubCommand: ctap2.SetMinPINLength, SubCommandParams: cbor.RawMessage{0xa2, 1, 6, 2, 0x81, 0x61, 'a'}})
	add(&ctap2.ConfigRequest{SubCommand: ctap2.SetMinPINLength, SubCommandParams: cbor.RawMessage{0xa1, 3, 0xf5}, PinUvAuthProtocol: 1, PinUvAuthParam: hash[:16]})
	add(&ctap2.ConfigRequest{SubCommand: ctap2.VendorPrototype, SubCommandParams: cbor.RawMessage{0xa1, 1, 1}})
	array := ctap2.LargeBlobArray{}.Append(nil)
	add(&ctap2.LargeBlobsRequest{Get: new(uint(960)), Offset: new(uint(0))})
	add(&ctap2.LargeBlobsRequest{Set: array, Offset: new(uint(0)), Length: new(uint(len(array)))})
	add(&ctap2.LargeBlobsRequest{Set: array[:9], Offset: new(uint(0)), Length: new(uint(len(array)))})
	add(&ctap2.LargeBlobsRequest{Set: array[9:], Offset: new(uint(9)), PinUvAuthProtocol: 1, PinUvAuthParam: hash[:16]})
	for _, c := range []ctap2.Command{ctap2.CommandGetInfo, ctap2.CommandGetNextAssertion, ctap2.CommandReset, ctap2.CommandSelection} {
		all = append(all, []byte{byte(c)})
	}
	return all
}()

// A hostileHost writes to a key whatever the input says.
type hostileHost struct {
	t      *testing.T
	in     input
	dev    ctaphid.Device
	out    int // size of its reports
	key    *virtual.Key
	server *ctaphid.Server
}

var hostileSteps = []func(h *hostileHost){
	keyReport:  func(h *hostileHost) { h.report(h.in.blob()) },
	keyMessage: func(h *hostileHost) { h.message(h.channel(), ctaphid.Command(h.in.byte()), h.in.blob()) },
	keyRequest: func(h *hostileHost) { h.message(h.channel(), ctaphid.CommandCBOR, h.in.take(h.in.number())) },
	keyAlter: func(h *hostileHost) {
		cid := h.channel()
		template := templates[int(h.in.byte())%len(templates)]
		which, instead := h.in.byte(), h.in.blob()
		e := lie{reply: bytes.Clone(template)}
		if which != 0xff {
			from, to := e.item(which)
			e.reply = append(append(e.reply[:from:from], instead...), e.reply[to:]...)
		}
		h.message(cid, ctaphid.CommandCBOR, e.reply)
	},
	keyCancel: func(h *hostileHost) { h.message(h.channel(), ctaphid.CommandCancel, nil) },
	keyOpen:   func(h *hostileHost) { h.message(ctaphid.BroadcastCID, ctaphid.CommandInit, make([]byte, 8)) },
	keyResync: func(h *hostileHost) { h.message(h.channel(), ctaphid.CommandInit, make([]byte, 8)) },
	keySleep:  func(h *hostileHost) { time.Sleep(time.Duration(h.in.byte()) * 50 * time.Millisecond) },
	keyPower: func(h *hostileHost) {
		h.key.PowerCycle()
		h.server.PowerCycle()
	},
}

// channel reads a channel: broadcast, the reserved one, or the first that the
// key allocates, and the next.
func (h *hostileHost) channel() ctaphid.CID {
	switch b := h.in.byte(); b {
	case 0:
		return ctaphid.BroadcastCID
	case 1:
		return ctaphid.ReservedCID
	default:
		return ctaphid.CID(b - 1)
	}
}

func (h *hostileHost) report(b []byte) {
	report := make([]byte, h.out)
	copy(report, b)
	h.write(report)
}

func (h *hostileHost) message(cid ctaphid.CID, c ctaphid.Command, data []byte) {
	data = data[:min(len(data), ctaphid.MaxMessage(h.out))]
	for _, report := range ctaphidtest.Reports(h.out, ctaphid.Message{CID: cid, Command: c & 0x7f, Data: data}) {
		h.write(report)
	}
}

func (h *hostileHost) write(report []byte) {
	if err := h.dev.WriteReport(report); err != nil {
		h.t.Fatalf("the key does not take a report: %v", err)
	}
}

func attackKey(t *testing.T, c conversation, steps []byte) {
	user := newUser(c.user)
	key := c.key(t, user)
	server := ctaphid.NewServer(key, &ctaphid.ServerConfig{MaxChannels: 4})
	sizes := reportSizes[c.setup>>sizesShift&3]
	dev := ctaphid.LoopbackServer(server, sizes[0], sizes[1])
	defer func() { user.release(); dev.Close() }()

	read := make(chan struct{})
	go func() {
		defer close(read)
		readAll(t, dev, sizes[1])
	}()
	h := &hostileHost{t: t, in: steps, dev: dev, out: sizes[0], key: key, server: server}
	for range 200 {
		if len(h.in) == 0 {
			break
		}
		if step, ok := choose(hostileSteps, h.in.byte()); ok {
			step(h)
		}
	}
	// What the key was told to do, it does to the end. A lock lasts ten seconds.
	user.release()
	time.Sleep(12 * time.Second)
	dev.SetReadDeadline(time.Unix(1, 0))
	<-read

	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	conn, err := ctaphid.Open(ctx, dev, &ctaphid.Config{Rand: newRand(1)})
	if err != nil {
		t.Fatalf("the key can't be opened any more: %v", err)
	}
	defer conn.Close()
	if key.Capabilities()&capabilityCBOR == 0 {
		if version, err := u2f.NewClient(conn, nil).Version(ctx); err != nil || version != u2f.Version2 {
			t.Fatalf("the version of U2F is %q, %v", version, err)
		}
		return
	}
	info, err := ctap2.NewClient(conn, &ctap2.ClientConfig{Strict: true}).GetInfo(ctx)
	if err != nil {
		t.Fatalf("getInfo fails: %v", err)
	}
	checkKey(t, c, key, info)
}

// checkKey compares what a key says of itself with what it is and may be.
func checkKey(t *testing.T, c conversation, key *virtual.Key, info *ctap2.GetInfoResponse) {
	want := conversation{setup: c.setup &^ (hasPIN | hasCredentials)}.key(t, newUser(0)).Info()
	if want.RemainingDiscoverableCredentials != nil {
		*want.RemainingDiscoverableCredentials -= uint(len(key.Credentials()))
	}
	want.Options[ctap2.OptionClientPIN] = key.HasPIN()
	adoptSettings(t, want, info, key)
	if c.setup&hasSensor != 0 { // whose fingerprints a reset erases
		enrolled := len(key.Fingerprints()) > 0
		want.Options[ctap2.OptionUV] = enrolled
		if _, ok := want.Options[ctap2.OptionBioEnroll]; ok {
			want.Options[ctap2.OptionBioEnroll] = enrolled
		}
	}
	if got, want := lasting(t, info), lasting(t, want); !bytes.Equal(got, want) {
		t.Errorf("getInfo gives\n%x, not\n%x", got, want)
	}
	if n := key.PINRetries(); n < 0 || n > 8 {
		t.Errorf("%d tries of the PIN are left", n)
	}
}

// adoptSettings puts into want what anybody may have changed on a key that does
// not verify users, if it goes together and within its limits.
func adoptSettings(t *testing.T, want, info *ctap2.GetInfoResponse, key *virtual.Key) {
	if info.MinPINLength < want.MinPINLength || info.MinPINLength > pinuv.MaxPINBytes || info.ForcePINChange && !key.HasPIN() {
		t.Errorf("a minimum of %d, the PIN has to be changed: %v", info.MinPINLength, info.ForcePINChange)
	}
	want.MinPINLength, want.ForcePINChange = info.MinPINLength, info.ForcePINChange
	if want.LongTouchForReset != nil {
		want.LongTouchForReset = info.LongTouchForReset
	}
	if want.UvCountSinceLastPinEntry != nil {
		want.UvCountSinceLastPinEntry = info.UvCountSinceLastPinEntry
	}
	if _, ok := want.Options[ctap2.OptionAlwaysUv]; !ok {
		return
	}
	always := info.Options[ctap2.OptionAlwaysUv]
	want.Options[ctap2.OptionAlwaysUv], want.Options[ctap2.OptionMakeCredUvNotRqd] = always, !always
	want.Versions = slices.DeleteFunc(want.Versions, func(v string) bool { return v == ctap2.VersionU2F })
	if !always {
		want.Versions = slices.Insert(want.Versions, 0, ctap2.VersionU2F)
	}
}

// readAll reads what a key sends, until the read deadline passes: messages
// packet by packet, and CTAP2 replies in canonical CBOR.
func readAll(t *testing.T, dev ctaphid.Device, size int) {
	var asm ctaphid.Assembler
	report := make([]byte, ctaphid.MaxReportSize)
	for {
		n, err := dev.ReadReport(report)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return
		}
		if err != nil || n != size {
			t.Errorf("a report of %d bytes, %v", n, err)
			return
		}
		event := asm.Push(report[:n])
		if event == ctaphid.Interrupted || event == ctaphid.Foreign && report[4]&0x80 != 0 {
			asm.Reset(nil) // INIT, or a loss of power, cut the message before short
			event = asm.Push(report[:n])
		}
		switch event {
		case ctaphid.Incomplete:
		case ctaphid.Complete:
			checkReply(t, asm.Message())
			asm.Reset(nil)
		default:
			t.Errorf("event %v at %x", event, report[:n])
			return
		}
	}
}

func checkReply(t *testing.T, m ctaphid.Message) {
	if m.CID == ctaphid.ReservedCID && m.Command != ctaphid.CommandError {
		t.Errorf("%v on channel %v", m.Command, m.CID)
	}
	switch m.Command {
	case ctaphid.CommandInit:
		if len(m.Data) != 17 || binary.BigEndian.Uint32(m.Data[8:]) == 0 {
			t.Errorf("INIT is answered with %x", m.Data)
		}
	case ctaphid.CommandCBOR:
		body := m.Data[1:]
		if len(body) == 0 {
			return
		}
		if deviations, err := cbor.Check(nil, body); m.Data[0] != 0 || err != nil || len(deviations) > 0 {
			t.Errorf("a reply of status %#x is %x: %v, %v", m.Data[0], body, deviations, err)
		}
	}
}
