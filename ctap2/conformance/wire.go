package conformance

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"os"
	"slices"
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctaphid"
)

const (
	// prompt is how long a reply that needs no work may take, on a host that may
	// have other work.
	prompt = 3 * time.Second
	// quiet is how long nothing must arrive before a case believes that nothing
	// will.
	quiet = 400 * time.Millisecond
	// slowest is how long a key may take over a command that needs no user:
	// making an RSA key takes seconds on real ones.
	slowest = 10 * time.Second
)

// A wire is the key opened for single packets.
type wire struct {
	c         *C
	dev       ctaphid.Device
	in, out   int
	assembly  map[ctaphid.CID]*ctaphid.Assembler
	keepalive []keepalive // those that reply and waiting skipped
	unpadded  bool        // a reply had something other than zeros after its data
	uv        bool        // remaining saw that built-in user verification is set up
}

type keepalive struct {
	cid    ctaphid.CID
	status byte
	at     time.Time
}

// wire opens the key for single packets, for as long as the case runs.
func (c *C) wire() *wire {
	c.Helper()
	if c.Key.OpenReports == nil {
		c.NotApplicable("the fixture has no HID interface")
	}
	dev, err := c.Key.OpenReports()
	if err != nil {
		c.Fatalf("opening the key: %v", err)
	}
	c.closers = append(c.closers, dev.Close)
	w := &wire{c: c, dev: dev, assembly: map[ctaphid.CID]*ctaphid.Assembler{}}
	w.in, w.out = dev.ReportSizes()
	return w
}

// max returns the longest message that fits the reports in both directions.
func (w *wire) max() int { return ctaphid.MaxMessage(min(w.in, w.out)) }

// report writes one report, padded with zeros to its size.
func (w *wire) report(b []byte) {
	w.c.Helper()
	if err := w.dev.WriteReport(append(slices.Clone(b), make([]byte, w.out-len(b))...)); err != nil {
		w.c.Fatalf("writing a report: %v", err)
	}
}

// packets returns the packets of a message.
func (w *wire) packets(cid ctaphid.CID, cmd ctaphid.Command, data []byte) [][]byte {
	w.c.Helper()
	n, err := ctaphid.PacketCount(w.out, len(data))
	if err != nil {
		w.c.Fatalf("a message of %d bytes: %v", len(data), err)
	}
	ps := make([][]byte, n)
	for i := range ps {
		ps[i] = ctaphid.AppendPacket(nil, w.out, ctaphid.Message{CID: cid, Command: cmd, Data: data}, i)
	}
	return ps
}

// send writes a whole message.
func (w *wire) send(cid ctaphid.CID, cmd ctaphid.Command, data []byte) {
	w.c.Helper()
	for _, p := range w.packets(cid, cmd, data) {
		w.report(p)
	}
}

// head writes an initialization packet alone, claiming length bytes.
func (w *wire) head(cid ctaphid.CID, cmd ctaphid.Command, length int) {
	w.c.Helper()
	w.report([]byte{byte(cid >> 24), byte(cid >> 16), byte(cid >> 8), byte(cid), byte(cmd) | 0x80, byte(length >> 8), byte(length)})
}

// continuation writes a continuation packet of zeros.
func (w *wire) continuation(cid ctaphid.CID, seq byte) {
	w.c.Helper()
	w.report([]byte{byte(cid >> 24), byte(cid >> 16), byte(cid >> 8), byte(cid), seq})
}

// next waits for the next whole message on any channel.
func (w *wire) next(within time.Duration) (ctaphid.Message, bool) {
	w.c.Helper()
	if err := w.dev.SetReadDeadline(time.Now().Add(within)); err != nil {
		w.c.Fatalf("setting the read deadline: %v", err)
	}
	report := make([]byte, max(w.in, w.out))
	for {
		n, err := w.dev.ReadReport(report)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return ctaphid.Message{}, false
		}
		if err != nil {
			w.c.Fatalf("reading a report: %v", err)
		}
		if n != w.in {
			w.c.Fatalf("a report has %d bytes, its descriptor says %d", n, w.in)
		}
		p, err := ctaphid.ParsePacket(report[:n])
		if err != nil {
			w.c.Fatalf("report %x: %v", report[:n], err)
		}
		a := w.assembly[p.CID]
		if a == nil {
			a = new(ctaphid.Assembler)
			w.assembly[p.CID] = a
		}
		before := len(a.Buffer())
		switch e := a.Push(report[:n]); e {
		case ctaphid.Incomplete:
		case ctaphid.Complete:
			m := a.Message()
			if used := len(m.Data) - before; len(bytes.Trim(p.Data[min(max(used, 0), len(p.Data)):], "\x00")) > 0 {
				w.unpadded = true
			}
			m.Data = bytes.Clone(m.Data)
			a.Reset(nil)
			return m, true
		default:
			w.c.Fatalf("report %x: %v", report[:n], e)
		}
	}
}

// reply waits for the next message that is not a KEEPALIVE; it must be on cid.
func (w *wire) reply(cid ctaphid.CID, within time.Duration) ctaphid.Message {
	w.c.Helper()
	m, ok := w.answer(cid, within)
	if !ok {
		w.c.Fatalf("no reply on channel %v within %v", cid, within)
	}
	return m
}

// answer is reply, but for a reply that need not come.
func (w *wire) answer(cid ctaphid.CID, within time.Duration) (ctaphid.Message, bool) {
	w.c.Helper()
	end := time.Now().Add(within)
	for {
		m, ok := w.next(time.Until(end))
		if !ok {
			return m, false
		}
		if m.Command == ctaphid.CommandKeepalive {
			if len(m.Data) != 1 {
				w.c.Fatalf("a KEEPALIVE has %d bytes instead of 1", len(m.Data))
			}
			w.keepalive = append(w.keepalive, keepalive{m.CID, m.Data[0], time.Now()})
			continue
		}
		if m.CID != cid {
			w.c.Fatalf("%v came on channel %v instead of %v: %x", m.Command, m.CID, cid, m.Data)
		}
		return m, true
	}
}

// expect waits for a reply to cmd on cid and returns its data.
func (w *wire) expect(cid ctaphid.CID, cmd ctaphid.Command, within time.Duration) []byte {
	w.c.Helper()
	m := w.reply(cid, within)
	if m.Command != cmd {
		w.c.Fatalf("the reply is %v %x instead of %v", m.Command, m.Data, cmd)
	}
	return m.Data
}

// refuse waits for an ERROR on cid with one of the codes and returns it.
func (w *wire) refuse(cid ctaphid.CID, within time.Duration, codes ...ctaphid.ErrorCode) ctaphid.ErrorCode {
	w.c.Helper()
	data := w.expect(cid, ctaphid.CommandError, within)
	if len(data) != 1 {
		w.c.Fatalf("an ERROR has %d bytes instead of 1", len(data))
	}
	code := ctaphid.ErrorCode(data[0])
	if !slices.Contains(codes, code) {
		w.c.Fatalf("the error is %v instead of %v", code, codes)
	}
	return code
}

// silent demands that nothing but keepalives arrives for d.
func (w *wire) silent(d time.Duration) {
	w.c.Helper()
	end := time.Now().Add(d)
	for {
		m, ok := w.next(time.Until(end))
		if !ok {
			return
		}
		if m.Command != ctaphid.CommandKeepalive {
			w.c.Fatalf("%v on channel %v where nothing was due: %x", m.Command, m.CID, m.Data)
		}
		w.keepalive = append(w.keepalive, keepalive{m.CID, m.Data[0], time.Now()})
	}
}

// pinged demands that the channel works.
func (w *wire) pinged(cid ctaphid.CID) {
	w.c.Helper()
	data := []byte("are you there?")
	w.send(cid, ctaphid.CommandPing, data)
	if got := w.expect(cid, ctaphid.CommandPing, prompt); !bytes.Equal(got, data) {
		w.c.Fatalf("PING came back as %x instead of %x", got, data)
	}
}

// channel allocates a channel.
func (w *wire) channel() ctaphid.CID {
	w.c.Helper()
	return w.init(ctaphid.BroadcastCID).CID
}

// init sends an INIT on cid and returns the reply.
func (w *wire) init(cid ctaphid.CID) ctaphid.InitInfo {
	w.c.Helper()
	nonce := make([]byte, 8)
	rand.Read(nonce)
	w.send(cid, ctaphid.CommandInit, nonce)
	return w.initialized(cid, nonce)
}

// initialized waits for the reply to an INIT with nonce that was sent on cid.
func (w *wire) initialized(cid ctaphid.CID, nonce []byte) ctaphid.InitInfo {
	w.c.Helper()
	info, err := ctaphid.ParseInitInfo(w.expect(cid, ctaphid.CommandInit, prompt))
	if err != nil {
		w.c.Fatalf("the INIT reply: %v", err)
	}
	if !bytes.Equal(info.Nonce[:], nonce) {
		w.c.Fatalf("the INIT reply has the nonce %x instead of %x", info.Nonce, nonce)
	}
	return info
}

// ctap2 demands that the key speaks CTAP2 over this wire.
func (w *wire) ctap2(info ctaphid.InitInfo) {
	if info.Capabilities&ctaphid.CapabilityCBOR == 0 {
		w.c.NotApplicable("the key does not speak CTAP2")
	}
}

var getInfo = []byte{byte(ctap2.CommandGetInfo)}

// touching returns a makeCredential request: one that waits for a touch.
func touching(c *C) []byte {
	hash := sha256.Sum256([]byte(c.id))
	r := &ctap2.MakeCredentialRequest{
		ClientDataHash:   hash[:],
		RP:               ctap2.PublicKeyCredentialRPEntity{ID: "conformance.example", Name: "Conformance"},
		User:             ctap2.PublicKeyCredentialUserEntity{ID: []byte{1, 2, 3, 4}, Name: "user", DisplayName: "User"},
		PubKeyCredParams: []ctap2.PublicKeyCredentialParameters{{Alg: cose.ES256, Type: ctap2.TypePublicKey}},
	}
	b, err := r.Append(nil)
	if err != nil {
		c.Fatal(err)
	}
	return b
}

// pending starts a request that waits for a touch and returns when the key
// says that it waits.
func (w *wire) pending(cid ctaphid.CID) {
	w.c.Helper()
	w.send(cid, ctaphid.CommandCBOR, touching(w.c))
	w.waiting(cid)
}

// waiting returns when the key says on cid that it waits for the user.
func (w *wire) waiting(cid ctaphid.CID) {
	w.c.Helper()
	end := time.Now().Add(slowest)
	for {
		m, ok := w.next(time.Until(end))
		switch {
		case !ok:
			w.c.Fatalf("the key does not say that it waits for a touch")
		case m.CID == cid && m.Command == ctaphid.CommandCBOR && w.wantsVerification(cid, m.Data):
			w.c.NotApplicable("every use of the key needs user verification")
		case m.CID != cid || m.Command != ctaphid.CommandKeepalive || len(m.Data) != 1:
			w.c.Fatalf("%v %x on channel %v instead of a KEEPALIVE on %v", m.Command, m.Data, m.CID, cid)
		}
		w.keepalive = append(w.keepalive, keepalive{m.CID, m.Data[0], time.Now()})
		if m.Data[0] == ctaphid.StatusUPNeeded {
			return
		}
	}
}

// cancelled cancels the request on cid and demands that it was still waiting.
func (w *wire) cancelled(cid ctaphid.CID) {
	w.c.Helper()
	w.send(cid, ctaphid.CommandCancel, nil)
	w.status(cid, prompt, ctap2.StatusKeepaliveCancel)
}

// cancels demands that a command without parameters can be cancelled while the
// key waits for the user.
func (c *C) cancels(cmd ctap2.Command) {
	c.Helper()
	w := c.wire()
	info := w.init(ctaphid.BroadcastCID)
	w.ctap2(info)
	w.send(info.CID, ctaphid.CommandCBOR, []byte{byte(cmd)})
	w.waiting(info.CID)
	w.send(info.CID, ctaphid.CommandCancel, nil)
	w.status(info.CID, prompt, ctap2.StatusKeepaliveCancel)
	c.close()
}

// status waits for a CBOR reply on cid and returns its status.
func (w *wire) status(cid ctaphid.CID, within time.Duration, accept ...ctap2.Status) ctap2.Status {
	w.c.Helper()
	data := w.expect(cid, ctaphid.CommandCBOR, within)
	if len(data) == 0 {
		w.c.Fatal("a CBOR reply has no status byte")
	}
	s := ctap2.Status(data[0])
	if !slices.Contains(accept, s) && w.wantsVerification(cid, data) {
		w.c.NotApplicable("every use of the key needs user verification")
	}
	if !slices.Contains(accept, s) {
		w.c.Fatalf("the status is %s instead of %v", s.Name(), accept)
	}
	if s != ctap2.StatusSuccess && len(data) != 1 {
		w.c.Fatalf("an error reply has %d bytes instead of the status alone: %x", len(data), data)
	}
	return s
}

// wantsVerification reports whether a CBOR reply refuses a request for want of
// user verification, on a key that says that every use needs it.
func (w *wire) wantsVerification(cid ctaphid.CID, data []byte) bool {
	w.c.Helper()
	if len(data) != 1 {
		return false
	}
	if s := ctap2.Status(data[0]); s != ctap2.StatusPUATRequired && s != ctap2.StatusOperationDenied {
		return false
	}
	w.send(cid, ctaphid.CommandCBOR, getInfo)
	info, err := ctap2.ParseGetInfoResponse(w.success(cid, slowest))
	return err == nil && info.Options[ctap2.OptionAlwaysUv] && !info.Options[ctap2.OptionUV]
}

// user makes the user behave so.
func (c *C) user(b Behaviour) {
	c.Helper()
	if c.Key.User == nil {
		c.NotApplicable("the fixture can't script the user")
	}
	if err := c.Key.User(b); errors.Is(err, errors.ErrUnsupported) {
		c.NotApplicable("the user can't %v: %v", b.Action, err)
	} else if err != nil {
		c.Fatalf("making the user %v: %v", b.Action, err)
	}
}
