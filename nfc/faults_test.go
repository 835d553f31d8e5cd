package nfc_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/nfc"
	"github.com/gofido/fido/nfc/iso7816"
	"github.com/gofido/fido/nfc/nfctest"
)

// what a test expects of a connection over a bad card.
type outcome func(err error) bool

func copes(err error) bool { return err == nil }

func ends(with error) outcome { return func(err error) bool { return errors.Is(err, with) } }

func breaks(err error) bool {
	_, ok := errors.AsType[*nfc.ProtocolError](err)
	return ok
}

func refuses(sw iso7816.StatusWord) outcome {
	return func(err error) bool {
		e, ok := errors.AsType[*nfc.StatusError](err)
		return ok && e.SW == sw
	}
}

// A connection copes with what readers and cards do, or says what is wrong in
// time; and the next key is as good as ever.
func TestFaults(t *testing.T) {
	const limit = 10 * time.Second
	short := &nfc.Config{Length: nfc.ShortOnly}
	for _, c := range []struct {
		name   string
		fault  nfctest.Fault
		config *nfc.Config
		open   outcome // nil: copes
		mc     outcome // makeCredential; nil: copes
		again  outcome // getInfo after it; nil: copes
	}{
		{"the card takes no extended form", nfctest.ShortOnly(), nil, nil, nil, nil},
		{"the reader takes no extended form", nfctest.MaxTransceive(261), nil, nil, nil, nil},
		{"the reader takes 64 bytes, and is told so", nfctest.MaxTransceive(64), &nfc.Config{Length: nfc.ShortOnly, Segment: 50, Part: 50}, nil, nil, nil},
		{"the reader takes 64 bytes", nfctest.MaxTransceive(64), short, ends(nfc.ErrGone), nil, nil},
		{"61xx on SELECT", nfctest.RemainingOnSelect(), nil, nil, nil, nil},
		{"6Cxx", nfctest.ExactLe(), short, nil, nil, nil},
		{"T=0", nfctest.T0(), nil, nil, nil, nil},
		{"T=0, the short form at once", nfctest.T0(), short, nil, nil, nil},
		{"256 bytes break the reader", nfctest.BreaksAt256(), short, nil, nil, nil},
		{"processing for ever", nfctest.NeverFinishes(nfc.StatusProcessing), nil, ends(context.DeadlineExceeded), nil, nil},
		{"waiting for ever", nfctest.NeverFinishes(nfc.StatusUPNeeded), nil, ends(context.DeadlineExceeded), nil, nil},
		{"an unknown status for ever", nfctest.NeverFinishes(0xff), nil, ends(context.DeadlineExceeded), nil, nil},
		{"chaining for ever", nfctest.ChainsForever(256), short, breaks, nil, nil},
		{"chaining for ever, byte by byte", nfctest.ChainsForever(1), short, breaks, nil, nil},
		{"GET RESPONSE of class 00", nfctest.GetResponseClass(0x00), short, nil, nil, nil},
		{"GET RESPONSE of class 80", nfctest.GetResponseClass(0x80), short, nil, nil, nil},
		{"GET RESPONSE of class 80, and 61xx on SELECT", all(nfctest.GetResponseClass(0x80), nfctest.RemainingOnSelect()), short, nil, nil, nil},
		{"NFCCTAP_GETRESPONSE is unknown", nfctest.WithoutGetResponse(), nil, nil, nil, nil},
		{"NFCCTAP_GETRESPONSE is unknown, the short form", nfctest.WithoutGetResponse(), short, nil, nil, nil},
		{"no segments", all(nfctest.WithoutChaining(), nfctest.RemainingOnSelect()), &nfc.Config{Segment: 50}, nil, nil, nil},
		{"no segments and no extended form", all(nfctest.WithoutChaining(), nfctest.ShortOnly()), &nfc.Config{Segment: 50}, nil, refuses(0x6884), nil},
		{"no segments, and never the extended form", nfctest.WithoutChaining(), &nfc.Config{Length: nfc.ShortOnly, Segment: 50}, nil, refuses(0x6884), nil},
		{"each answer takes 50 ms", nfctest.Slow(50 * time.Millisecond), short, nil, nil, nil},
		{"each answer takes an hour", nfctest.Slow(time.Hour), nil, ends(context.DeadlineExceeded), nil, nil},
		{"an AID that only begins as it should", nfctest.AIDPrefix(), nil, nil, nil, nil},
		{"power lost before SELECT", nfctest.ForgetsAfter(1), nil, nil, nil, nil},
		{"power lost before the probe", nfctest.ForgetsAfter(2), nil, nil, nil, nil},
		{"power lost before the request", nfctest.ForgetsAfter(3), nil, nil, nil, nil},
		{"power lost in the middle of the request", nfctest.ForgetsAfter(6), &nfc.Config{Length: nfc.ShortOnly, Segment: 20}, nil, ends(nfc.ErrReset), nil},
		{"the card loses the field over SELECT", nfctest.LosesField(1, false), nil, nil, nil, nil},
		{"the card vanishes over SELECT", nfctest.Vanishes(1, false), nil, ends(nfc.ErrGone), nil, nil},
		{"the card loses the field in the middle of the request", nfctest.LosesField(6, true), &nfc.Config{Length: nfc.ShortOnly, Segment: 20}, nil, ends(nfc.ErrGone), nil},
		{"the card vanishes in the middle of the request", nfctest.Vanishes(6, true), &nfc.Config{Length: nfc.ShortOnly, Segment: 20}, nil, ends(nfc.ErrGone), ends(nfc.ErrGone)},
		{"the card vanishes with the answer", nfctest.Vanishes(3, false), nil, nil, ends(nfc.ErrGone), ends(nfc.ErrGone)},
		{"SELECT says nothing", nfctest.SelectAnswer(""), nil, nil, nil, nil},
		{"SELECT says FIDO_2_0", nfctest.SelectAnswer("FIDO_2_0"), nil, nil, nil, nil},
		{"SELECT says FIDO_2_1", nfctest.SelectAnswer("FIDO_2_1"), nil, breaks, nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				key := newKey(t, virtual.Config{Algorithms: []cose.Algorithm{cose.ES256}})
				bad := nfctest.Faulty(nfc.Loopback(key), c.fault)
				met := func(what string, want outcome, f func(context.Context) error) bool {
					ctx, cancel := context.WithTimeout(t.Context(), limit)
					defer cancel()
					start := time.Now()
					err := f(ctx)
					if took := time.Since(start); took > limit+time.Second {
						t.Errorf("%s: %v", what, took)
					}
					if want == nil {
						want = copes
					}
					_, typed := errors.AsType[*nfc.OpError](err)
					if !want(err) || err != nil && !typed {
						t.Errorf("%s: %v", what, err)
					}
					return err == nil
				}
				var conn *nfc.Conn
				opened := met("opening", c.open, func(ctx context.Context) (err error) {
					conn, err = nfc.Open(ctx, bad, c.config)
					return err
				})
				if opened {
					met("makeCredential", c.mc, func(ctx context.Context) error {
						b, err := registration(100).Append([]byte{0x01})
						if err != nil {
							t.Fatal(err)
						}
						_, err = conn.CBOR(ctx, nil, b, nil)
						return err
					})
					met("getInfo", c.again, func(ctx context.Context) error {
						_, err := conn.CBOR(ctx, nil, []byte{0x04}, nil)
						return err
					})
					start := time.Now()
					conn.Close()
					if took := time.Since(start); took > 600*time.Millisecond {
						t.Errorf("closing takes %v", took)
					}
				}
				if err := bad.Close(); err != nil {
					t.Error(err)
				}
				next := open(t, nfc.Loopback(key), nil)
				if _, err := ctap2.NewClient(next, nil).MakeCredential(t.Context(), registration(0)); err != nil {
					t.Errorf("the next connection: %v", err)
				}
			})
		})
	}
}

// all are several faults as one.
func all(faults ...nfctest.Fault) nfctest.Fault {
	return func(next nfctest.Transmit) nfctest.Transmit {
		for i := range faults {
			next = faults[len(faults)-1-i](next)
		}
		return next
	}
}

// The example of the CTAP specification for a request and a response in parts, as
// far as it is published: the first command is unknown but for its header.
func TestPublishedFragments(t *testing.T) {
	const (
		last   = "8010000017726bf50850fc43aaa411d948cc6c37068b8da1d508090100"
		first  = "00a301667061636b6564025900a20021f5fc0b85cd22e60623bcd7d1ca48948909249b4776eb515154e57b66ae12c500000055f8a011f38c0a4d15800617111f9edc7d0010f4d57b23dd0cb785680cdaa7f7e44f60a5010203262001215820df017d0b286795bea153d166a0a15b4f6b67a3af4a101e10e8496f3dd3c5d1a922582094b22551e6325d7733c41bb2f5a642adee417c97e0906197b5b0cd8b8d6c6ba7a16b686d61632d736563726574f503a363616c6726637369675847304502207ccac57a1e43df24b0847eebf119d28dcdc5048f7dcd8edd79e79721c41bcf2d022100d89ec75b92ce8ff9e46fe7f8c87995694a63e5b78ab85c47b9da6100"
		second = "1c580a8ec83a63783563815901973082019330820138a003020102020900859b726cb24b4c29300a06082a8648ce3d0403023047310b300906035504061302555331143012060355040a0c0b59756269636f205465737431223020060355040b0c1941757468656e74696361746f72204174746573746174696f6e301e170d3136313230343131353530305a170d3236313230323131353530305a3047310b300906035504061302555331143012060355040a0c0b59756269636f205465737431223020060355040b0c1941757468656e74696361746f72204174746573746174696f6e3059301306072a8648ce3d020106082a8648ce3d03010703420061a7"
		third  = "04ad11eb0e8852e53ad5dfed86b41e6134a18ec4e1af8f221a3c7d6e636c80ea13c3d504ff2e76211bb44525b196c44cb4849979cf6f896ecd2bb860de1bf4376ba30d300b30090603551d1304023000300a06082a8648ce3d0403020349003046022100e9a39f1b03197525f7373e10ce77e78021731b94d0c03f3fda1fd22db3d030e7022100c4faec3445a820cf43129cdb00aabefd9ae2d874f9c5d343cb2f113da23723f39000"
	)
	card := nfctest.NewScript(t, `
		> 00a4040008a0000006472f000100
		< 4649444f5f325f309000
		> 90100000f0 *
		< 9000
		> `+last+`
		< `+first+`
		> 80c0000000
		< `+second+`
		> 80c00000a7
		< `+third+`
		> 80120100
		< 9000`)
	conn := open(t, card, &nfc.Config{NoGetResponse: true})
	tail, err := hex.DecodeString(last[10 : len(last)-2])
	if err != nil {
		t.Fatal(err)
	}
	reply, err := conn.CBOR(t.Context(), nil, append(make([]byte, 240), tail...), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Join([]string{first[:len(first)-4], second[:len(second)-4], third[:len(third)-4]}, "")
	if hex.EncodeToString(reply) != want {
		t.Errorf("%x", reply)
	}
	if len(reply) != 254+254+167 {
		t.Errorf("%d bytes", len(reply))
	}
}

// What scripted cards say, and what comes of getInfo.
func TestScriptedCards(t *testing.T) {
	const (
		choose = "> 00a4040008a0000006472f000100\n< 4649444f5f325f309000\n"
		end    = "\n> 80120100\n< 9000"
	)
	for _, c := range []struct {
		name   string
		script string
		want   outcome // nil: the reply is 00 a0
	}{
		{"at once", choose + "> 801080000104 00\n< 00a0 9000" + end, nil},
		{"SELECT in two parts", "> 00a4040008a0000006472f000100\n< 6108\n> 00c0000008\n< 4649444f5f325f309000\n> 801080000104 00\n< 00a0 9000" + end, nil},
		{"SELECT in two parts, GET RESPONSE of the other class", "> 00a4040008a0000006472f000100\n< 6108\n> 00c0000008\n< 6e00\n> 80c0000008\n< 4649444f5f325f309000\n> 801080000104 00\n< 00a0 9000" + end, nil},
		{"SELECT wants its Le", "> 00a4040008a0000006472f000100\n< 6c08\n> 00a4040008a0000006472f000108\n< 4649444f5f325f309000\n> 801080000104 00\n< 00a0 9000" + end, nil},
		{"P1 80 is refused, for good", choose + "> 801080000104 00\n< 6a86\n> 801000000104 00\n< 00a0 9000" + end, nil},
		{"after two questions", choose + "> 801080000104 00\n< 01 9100\n> 80110000 00\n< 02 9100\n> 80110000 00\n< 00a0 9000" + end, nil},
		{"the rest after a question", choose + "> 801080000104 00\n< 01 9100\n> 80110000 00\n< 00 6101\n> 80c00000 01\n< a0 9000" + end, nil},
		{"it changes its mind about the rest: more", choose + "> 801080000104 00\n< 00 6101\n> 80c00000 01\n< a0 9000" + end, nil},
		{"it changes its mind about the rest: another Le", choose + "> 801080000104 00\n< 00 6105\n> 80c00000 05\n< 6c01\n> 80c00000 01\n< a0 9000" + end, nil},
		{"it changes its mind about the rest: less", choose + "> 801080000104 00\n< 00 6105\n> 80c00000 05\n< a0 9000" + end, nil},
		{"it changes its mind about Le twice", choose + "> 801080000104 00\n< 6c05\n> 801080000104 05\n< 6c06" + end, refuses(0x6c06)},
		{"a rest that has no bytes", choose + "> 801080000104 00\n< 00 6105\n> 80c00000 05\n< 6105" + end, breaks},
		{"a rest that is not there", choose + "> 801080000104 00\n< 00 6105\n> 80c00000 05\n< 6985\n" + choose + "> 801080000104 00\n< 00a0 9000" + end, nil},
		{"no status", choose + "> 801080000104 00\n< 9000" + end, breaks},
		{"9100 without a status", choose + "> 801080000104 00\n< 9100" + end, breaks},
		{"9100 with more than a status", choose + "> 801080000104 00\n< 0102 9100" + end, breaks},
		{"a status word alone of one byte", choose + "> 801080000104 00\n< 90\n^", breaks},
		{"nothing", choose + "> 801080000104 00\n<\n^", breaks},
		{"a final status word that is no success", choose + "> 801080000104 00\n< 00a0 6300" + end, refuses(0x6300)},
		{"it forgets while it works", choose + "> 801080000104 00\n< 02 9100\n> 80110000 00\n< 6985", func(err error) bool { return err != nil }},
		{"another program has selected its own", choose + "> 801080000104 00\n< 6d00\n" + choose + "> 801080000104 00\n< 00a0 9000" + end, nil},
		{"it is always another program's", choose + "> 801080000104 00\n< 6d00\n" + choose + "> 801080000104 00\n< 6d00" + end, refuses(0x6d00)},
		{"reset in between", choose + "> 801080000104 00\n! reset\n^\n" + choose + "> 801080000104 00\n< 00a0 9000" + end, nil},
		{"reset again and again", choose + "> 801080000104 00\n! reset\n^\n" + choose + "> 801080000104 00\n! reset", ends(nfc.ErrReset)},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				script := c.script
				if i := strings.Index(script, "\n^"); c.want != nil && strings.HasSuffix(script, "\n^") {
					script = script[:i] // nothing is sent to it before it is reset
				}
				conn := open(t, nfctest.NewScript(t, script), nil)
				b, err := conn.CBOR(t.Context(), []byte("x"), []byte{0x04}, nil)
				switch {
				case c.want == nil:
					if err != nil || !bytes.Equal(b, []byte("x\x00\xa0")) {
						t.Errorf("%x, %v", b, err)
					}
				case !c.want(err):
					t.Errorf("%x, %v", b, err)
				}
			})
		})
	}
}

// What the card may have carried out is not sent again.
func TestNotTwice(t *testing.T) {
	for _, c := range []struct{ name, script string }{
		{"the rest of the reply is not there", "< 00 6105\n> 80c00000 05\n< 6985"},
		{"the request is forgotten while the card works", "< 02 9100\n> 80110000 00\n< 6985"},
		{"the card loses power over the rest of the reply", "< 00 6105\n> 80c00000 05\n! reset"},
		{"the card loses power while it works", "< 02 9100\n> 80110000 00\n! reset"},
	} {
		t.Run(c.name, func(t *testing.T) {
			card := nfctest.NewScript(t, "> 00a4040008a0000006472f000100\n< 4649444f5f325f309000\n> 801080000101 00\n"+c.script)
			conn, err := nfc.Open(t.Context(), card, &nfc.Config{Poll: time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := conn.CBOR(t.Context(), nil, []byte{0x01}, nil); err == nil || errors.Is(err, nfc.ErrReset) {
				t.Errorf("%v", err)
			}
			card.Close()
			conn.Close()
		})
	}
}

// A PIN is not sent again when the reader may have lost the answer, even if it says
// what readers say that don't take the extended form.
func TestNotTwiceExtended(t *testing.T) {
	lost := fmt.Errorf("%w: %w", nfc.ErrNotSent, nfc.ErrGone)
	pins := 0
	card := &nfctest.Func{Answer: func(_ context.Context, apdu []byte) ([]byte, error) {
		cmd, _, err := iso7816.ParseLenient(apdu)
		switch {
		case err != nil:
			return nil, err
		case cmd.INS == iso7816.INSSelect:
			return []byte("FIDO_2_0\x90\x00"), nil
		case len(cmd.Data) > 0 && cmd.Data[0] == 0x06:
			pins++
			return nil, lost
		}
		return []byte{0, 0xa0, 0x90, 0}, nil
	}}
	conn := open(t, card, &nfc.Config{Length: nfc.ExtendedFirst})
	if _, err := conn.CBOR(t.Context(), nil, []byte{0x04}, nil); err != nil {
		t.Fatal(err)
	}
	_, err := conn.CBOR(t.Context(), nil, []byte{0x06, 0xa0}, nil)
	if !errors.Is(err, nfc.ErrGone) || errors.Is(err, nfc.ErrNotSent) || pins != 1 {
		t.Errorf("%v, sent %d times", err, pins)
	}
	if _, err := conn.CBOR(t.Context(), nil, []byte{0x04}, nil); err != nil {
		t.Errorf("the next: %v", err)
	}
}

// Another program has reset the card and keeps it, while its user looks for the key:
// the card has not gone.
func TestBusyCard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lost, free := false, time.Now().Add(20*time.Second)
		card := &nfctest.Func{
			Answer: func(_ context.Context, apdu []byte) ([]byte, error) {
				switch {
				case apdu[1] == iso7816.INSSelect:
					return []byte("FIDO_2_0\x90\x00"), nil
				case lost:
					lost = false
					return nil, nfc.ErrReset
				}
				return []byte{0, 0xa0, 0x90, 0}, nil
			},
			OnReset: func(ctx context.Context) error {
				timer := time.NewTimer(time.Until(free))
				defer timer.Stop()
				select {
				case <-timer.C:
					return nil
				case <-ctx.Done():
					return fmt.Errorf("%w: %w", nfc.ErrBusy, nfc.ContextError(ctx))
				}
			},
		}
		conn := open(t, card, nil)
		lost = true
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if _, err := conn.CBOR(ctx, nil, []byte{0x04}, nil); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, nfc.ErrBusy) {
			t.Errorf("while it is kept: %v", err)
		}
		if _, err := conn.CBOR(t.Context(), nil, []byte{0x04}, nil); err != nil || time.Now() != free {
			t.Errorf("afterwards: %v, %v early", err, time.Until(free))
		}
	})
}

// A card that takes no segments, and does not say that it takes the extended form,
// is asked whether it does, once.
func TestUnknownExtended(t *testing.T) {
	key := newKey(t, virtual.Config{Algorithms: []cose.Algorithm{cose.ES256}})
	applet := nfc.NewApplet(key, &nfc.AppletConfig{ATR: []byte{0x3b, 0x80, 0x80, 0x01, 0x01}})
	segments := 0
	conn := open(t, nfctest.Faulty(nfc.LoopbackApplet(applet), nfctest.WithoutChaining()), &nfc.Config{Segment: 50, Trace: func(e nfc.TraceEvent) {
		if e.Sent && e.APDU[0]&iso7816.CLAChain != 0 {
			segments++
		}
	}})
	client := ctap2.NewClient(conn, nil)
	for range 3 {
		if _, err := client.MakeCredential(t.Context(), registration(300)); err != nil {
			t.Fatal(err)
		}
	}
	if segments != 1 {
		t.Errorf("%d segments", segments)
	}
}

// A key that speaks U2F alone is opened, whatever it says to CTAP2.
func TestU2FOnly(t *testing.T) {
	for _, answer := range []string{"6d00", "6e00", "6985", "6a81", "0190 00", "9000"} {
		card := nfctest.NewScript(t, "> 00a4040008a0000006472f000100\n< 5532465f5632 9000\n> 801080000104 00\n< "+answer+
			"\n> 00030000 00\n< 5532465f5632 9000")
		conn, err := nfc.Open(t.Context(), card, nil)
		if err != nil {
			t.Errorf("%s: %v", answer, err)
			continue
		}
		if conn.CTAP2() || !conn.U2F() {
			t.Errorf("%s: CTAP2 %v, U2F %v", answer, conn.CTAP2(), conn.U2F())
		}
		if b, err := conn.MSG(t.Context(), nil, []byte{0, 3, 0, 0, 0, 0, 0}); err != nil || string(b) != "U2F_V2\x90\x00" {
			t.Errorf("%s: %x, %v", answer, b, err)
		}
		conn.Close()
	}
}

// Cards without the application, and those that say so in other ways.
func TestNoApplet(t *testing.T) {
	for sw, want := range map[string]error{
		"6a82": nfc.ErrNoApplet, "6d00": nfc.ErrNoApplet, "6e00": nfc.ErrNoApplet, "6a81": nfc.ErrNoApplet,
		"6f00": iso7816.SWNoPreciseDiagnosis, "6283": iso7816.SWSelectedFileDeactivated,
	} {
		card := nfctest.NewScript(t, "> 00a4040008a0000006472f000100\n< "+sw)
		if _, err := nfc.Open(t.Context(), card, nil); !errors.Is(err, want) {
			t.Errorf("%s: %v", sw, err)
		}
		if err := card.Begin(t.Context()); !errors.Is(err, os.ErrClosed) {
			t.Errorf("%s: the card is not closed: %v", sw, err)
		}
	}
}

// Close ends whatever goes on, in time, whenever it comes.
func TestCloseAtAnyTime(t *testing.T) {
	for after := time.Duration(0); after < 1300*time.Millisecond; after += 15 * time.Millisecond {
		for _, fault := range []nfctest.Fault{nfctest.Slow(20 * time.Millisecond), all(nfctest.Slow(20*time.Millisecond), nfctest.NeverFinishes(2))} {
			synctest.Test(t, func(t *testing.T) {
				key := newKey(t, virtual.Config{Algorithms: []cose.Algorithm{cose.ES256}, User: virtual.TouchAfter(500 * time.Millisecond)})
				// The faults begin after Open.
				opened := false
				card := nfctest.Faulty(nfc.Loopback(key), func(next nfctest.Transmit) nfctest.Transmit {
					bad := fault(next)
					return func(ctx context.Context, apdu []byte) ([]byte, error) {
						if opened {
							return bad(ctx, apdu)
						}
						return next(ctx, apdu)
					}
				})
				conn, err := nfc.Open(t.Context(), card, &nfc.Config{Length: nfc.ShortOnly, Segment: 30})
				if err != nil {
					t.Fatal(err)
				}
				opened = true
				client := ctap2.NewClient(conn, nil)
				var calls sync.WaitGroup
				for range 3 {
					calls.Go(func() {
						if _, err := client.MakeCredential(t.Context(), registration(0)); err != nil && !errors.Is(err, os.ErrClosed) {
							t.Errorf("after %v: %v", after, err)
						}
					})
				}
				time.Sleep(after)
				start := time.Now()
				if err := conn.Close(); err != nil {
					t.Error(err)
				}
				calls.Wait()
				if took := time.Since(start); took > 600*time.Millisecond {
					t.Errorf("after %v it takes %v", after, took)
				}
				if _, err := client.GetInfo(t.Context()); !errors.Is(err, os.ErrClosed) {
					t.Errorf("a closed connection: %v", err)
				}
			})
		}
	}
}

// A card that answers at once, and for ever, is left when the context ends.
func TestEndlessCardsEndWithTheContext(t *testing.T) {
	for name, answer := range map[string]string{"one byte more each time": "006101", "9100": "019100"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				response, _ := hex.DecodeString(answer)
				opened := false
				card := &nfctest.Func{Answer: func(ctx context.Context, apdu []byte) ([]byte, error) {
					if !opened {
						return []byte("FIDO_2_0\x90\x00"), nil
					}
					time.Sleep(time.Millisecond) // and does not look at its context
					return response, nil
				}}
				conn, err := nfc.Open(t.Context(), card, nil)
				if err != nil {
					t.Fatal(err)
				}
				opened = true
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				start := time.Now()
				_, err = conn.CBOR(ctx, nil, []byte{0x04}, nil)
				if took := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || took > 1600*time.Millisecond {
					t.Errorf("%v after %v", err, took)
				}
				conn.Close()
			})
		})
	}
}

// An error of the documentation's list, whatever a reader says.
func TestErrorsAreTyped(t *testing.T) {
	strange := errors.New("the reader is on fire")
	card := &nfctest.Func{Answer: func(context.Context, []byte) ([]byte, error) { return nil, strange }}
	_, err := nfc.Open(t.Context(), card, nil)
	if op, ok := errors.AsType[*nfc.OpError](err); !ok || op.Op != "SELECT" || !errors.Is(err, strange) {
		t.Errorf("%v", err)
	}
	if _, err := nfc.Open(t.Context(), card, &nfc.Config{Segment: 256}); err == nil || fmt.Sprint(err) != "nfc: Segment is 256, not 1 to 255" {
		t.Errorf("%v", err)
	}
}
