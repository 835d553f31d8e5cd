package nfc_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
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

// lyingCard answers with what the input says: a byte, which is the length of the
// response that follows, or one of these.
const (
	lieLong    = 0xfa // 256 zeros, and a status word of two bytes
	lieLate    = 0xfb // a second passes before the next
	lieHangs   = 0xfc // nothing comes
	lieNotSent = 0xfd
	lieReset   = 0xfe
	lieGone    = 0xff
)

func lyingCard(input []byte) *nfctest.Func {
	next := func(n int) []byte {
		n = min(n, len(input))
		b := input[:n]
		input = input[n:]
		return b
	}
	var answer func(context.Context, []byte) ([]byte, error)
	answer = func(ctx context.Context, apdu []byte) ([]byte, error) {
		head := next(1)
		if len(head) == 0 {
			return nil, nfc.ErrGone
		}
		switch head[0] {
		case lieLong:
			return append(make([]byte, 256), next(2)...), nil
		case lieLate:
			select {
			case <-time.After(time.Second):
				return answer(ctx, apdu)
			case <-ctx.Done():
				return nil, nfc.ContextError(ctx)
			}
		case lieHangs:
			<-ctx.Done()
			return nil, nfc.ContextError(ctx)
		case lieNotSent:
			return nil, nfc.ErrNotSent
		case lieReset:
			return nil, nfc.ErrReset
		case lieGone:
			return nil, nfc.ErrGone
		}
		return bytes.Clone(next(int(head[0]))), nil
	}
	return &nfctest.Func{Answer: answer}
}

// lies writes an input of lyingCard: responses in hexadecimal.
func lies(responses ...string) []byte {
	var b []byte
	for _, r := range responses {
		response, err := hex.DecodeString(r)
		if err != nil {
			panic(err)
		}
		b = append(append(b, byte(len(response))), response...)
	}
	return b
}

// FuzzConn: whatever a card answers, each call ends in its time, with a reply that
// has a status or with an error of the documented types.
func FuzzConn(f *testing.F) {
	const u2f, fido = "5532465f56329000", "4649444f5f325f309000"
	for _, card := range [][]byte{
		nil,
		lies(fido, "00a09000", "009000"),
		lies(u2f, "00a09000", "9000", "9000", "9000", "2e9000", "5532465f56329000"),
		lies(u2f, "6d00", "6985", "6a80"),
		lies("6108", "6e00", fido, "6a86", "00a09000"),
		lies("6c08", fido, "019100", "029100", "006102", "a0009000"),
		lies(fido, "006100", "016101", "9000"),
		append(lies(fido), lieReset, 10, 'F', 'I', 'D', 'O', '_', '2', '_', '0', 0x90, 0, lieGone),
		append(lies(fido), lieHangs, lieLate, lieNotSent),
		append(lies(fido), lieLong, 0x61, 0, lieLong, 0x90, 0),
		lies(fido, "9000", "90", "", "6a82"),
	} {
		for config := range byte(8) {
			f.Add(config, card)
		}
	}
	f.Fuzz(func(t *testing.T, config byte, input []byte) {
		synctest.Test(t, func(t *testing.T) {
			const limit, grace = 10 * time.Second, 500 * time.Millisecond
			c := &nfc.Config{Length: nfc.Length(config % 3), NoGetResponse: config&4 != 0, Segment: 1 + int(config), Part: 256 - int(config&0x70)}
			if c.Segment > 255 {
				c.Segment = 255
			}
			var conn *nfc.Conn
			try := func(what string, f func(context.Context) ([]byte, error)) {
				ctx, cancel := context.WithTimeout(t.Context(), limit)
				defer cancel()
				start := time.Now()
				b, err := f(ctx)
				if took := time.Since(start); took > limit+grace {
					t.Fatalf("%s takes %v: %v", what, took, err)
				}
				if err == nil {
					if !bytes.HasPrefix(b, []byte("dst")) {
						t.Fatalf("%s: the reply %x does not follow what was there", what, b)
					}
					return
				}
				if _, ok := errors.AsType[*nfc.OpError](err); !ok {
					t.Fatalf("%s: %T %v", what, err, err)
				}
			}
			card := lyingCard(input)
			try("opening", func(ctx context.Context) (_ []byte, err error) {
				conn, err = nfc.Open(ctx, card, c)
				return []byte("dst"), err
			})
			if conn == nil {
				return
			}
			for _, request := range [][]byte{{0x04}, append([]byte{0x01}, make([]byte, 600)...), {0x06, 0xa0}, {0x04}} {
				try("a request", func(ctx context.Context) ([]byte, error) {
					b, err := conn.CBOR(ctx, []byte("dst"), request, func(byte) {})
					if err == nil && len(b) == len("dst") {
						t.Fatal("a reply without a status")
					}
					return b, err
				})
			}
			try("U2F", func(ctx context.Context) ([]byte, error) {
				b, err := conn.MSG(ctx, []byte("dst"), append([]byte{0, 1, 3, 0, 0, 0, 64}, make([]byte, 66)...))
				if err == nil && len(b) < len("dst")+2 {
					t.Fatalf("a response of %d bytes", len(b)-len("dst"))
				}
				return b, err
			})
			start := time.Now()
			conn.Close()
			if took := time.Since(start); took > grace+grace/2 {
				t.Fatalf("closing takes %v", took)
			}
		})
	})
}

// What the input of FuzzApplet does instead of sending so many bytes.
const (
	doLong       = 0xfd // sends as many bytes as the next two say
	doWait       = 0xfe // lets a second pass
	doPowerCycle = 0xff
)

// commands writes an input of FuzzApplet.
func commands(apdus ...string) []byte {
	var b []byte
	for _, a := range apdus {
		apdu, err := hex.DecodeString(a)
		if err != nil {
			panic(err)
		}
		b = append(append(b, doLong, byte(len(apdu)>>8), byte(len(apdu))), apdu...)
	}
	return b
}

// FuzzApplet: whatever a host sends, the card answers with whole response APDUs
// that are no longer than the command asks for, and the next host finds the key in
// order.
func FuzzApplet(f *testing.F) {
	const choose = "00a4040008a0000006472f000100"
	registration, err := registration(300).Append([]byte{1})
	if err != nil {
		f.Fatal(err)
	}
	long, err := iso7816.Command{CLA: 0x80, INS: nfc.INSMessage, Data: registration, Ne: 65536, Form: iso7816.Extended}.Append(nil)
	if err != nil {
		f.Fatal(err)
	}
	var chain []string
	for i := 0; i < len(registration); i += 200 {
		part := iso7816.Command{CLA: 0x90, INS: nfc.INSMessage, P1: 0x80, Data: registration[i:min(i+200, len(registration))]}
		if i+200 >= len(registration) {
			part.CLA, part.Ne = 0x80, 256
		}
		b, err := part.Append(nil)
		if err != nil {
			f.Fatal(err)
		}
		chain = append(chain, hex.EncodeToString(b))
	}
	for _, input := range [][]byte{
		nil,
		commands(choose, "80100000010400", "80c0000000", "80c0000000", "80120100"),
		commands(choose, "801000000104", "00c0000010", "80c0000000", "8011000000"),
		commands(append([]string{choose}, chain...)...),
		commands(append(append([]string{choose}, chain...), "8011000000", "8011000000", "8011110000", "80c0000000")...),
		append(commands(append([]string{choose}, chain...)...), doPowerCycle, doWait),
		commands(choose, hex.EncodeToString(long)),
		commands(choose, "0003000000", "00030000000000", "000103000000400000", "00c0000000"),
		commands(choose, "90100000010190", "801080000104", "a010", "80", ""),
		commands("80100000010400", "00a4040000", "00a40400", "00a4040c08a0000006472f0001"),
	} {
		for kind := range byte(4) {
			f.Add(kind, input)
		}
	}
	f.Fuzz(func(t *testing.T, kind byte, input []byte) {
		synctest.Test(t, func(t *testing.T) {
			c := virtual.Config{Algorithms: []cose.Algorithm{cose.ES256}, User: virtual.AlwaysTouch()}
			if kind&1 != 0 {
				c.User = virtual.TouchAfter(700 * time.Millisecond)
			}
			if kind&2 != 0 {
				c.Transport = ctap2.TransportNFC
			}
			c.WithoutU2F = kind&4 != 0
			key, err := virtual.New(c)
			if err != nil {
				t.Fatal(err)
			}
			a := nfc.NewApplet(key, &nfc.AppletConfig{ShortOnly: kind&8 != 0})
			a.PowerOn()
			defer a.PowerOff()
			take := func(n int) []byte {
				n = min(n, len(input))
				b := input[:n]
				input = input[n:]
				return b
			}
			for len(input) > 0 {
				n := int(take(1)[0])
				switch n {
				case doPowerCycle:
					a.Reset()
					continue
				case doWait:
					time.Sleep(time.Second)
					continue
				case doLong:
					b := append(take(2), 0, 0)
					n = int(b[0])<<8 | int(b[1])
				}
				checkAnswer(t, a, take(n))
			}
			conn, err := nfc.Open(t.Context(), nfc.LoopbackApplet(a), nil)
			if err != nil {
				t.Fatalf("the next host: %v", err)
			}
			defer conn.Close()
			if _, err := ctap2.NewClient(conn, &ctap2.ClientConfig{Strict: true}).GetInfo(t.Context()); err != nil {
				t.Fatalf("the next host: %v", err)
			}
		})
	})
}

// checkAnswer sends a command to an applet and checks the response.
func checkAnswer(t *testing.T, a *nfc.Applet, apdu []byte) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	start := time.Now()
	out := a.Transmit(ctx, []byte("dst"), apdu)
	if took := time.Since(start); took > time.Minute {
		t.Fatalf("%x: the answer takes %v", apdu, took)
	}
	if !bytes.HasPrefix(out, []byte("dst")) {
		t.Fatalf("%x: the answer %x does not follow what was there", apdu, out)
	}
	r, err := iso7816.ParseResponse(out[len("dst"):])
	if err != nil {
		t.Fatalf("%x: %v", apdu, err)
	}
	cmd, _, err := iso7816.ParseLenient(apdu)
	switch {
	case err != nil:
		if len(r.Data) > 0 || r.SW != iso7816.SWWrongLength {
			t.Fatalf("%x, which is no command, is answered with %x %v", apdu, r.Data, r.SW)
		}
	case cmd.Form == iso7816.Short && cmd.Ne == 0 && len(r.Data) > 0 && cmd.INS != iso7816.INSSelect,
		cmd.Ne > 0 && len(r.Data) > cmd.Ne:
		t.Fatalf("%x asks for %d bytes and gets %d", apdu, cmd.Ne, len(r.Data))
	}
	if _, more := r.SW.Remaining(); len(r.Data) > 0 && !more && r.SW != iso7816.SWNoError && r.SW != nfc.SWWorking {
		t.Fatalf("%x: data with %v", apdu, r.SW)
	}
}
