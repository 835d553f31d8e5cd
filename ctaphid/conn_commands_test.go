package ctaphid_test

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofido/fido/ctaphid"
)

func TestConnReportSizes(t *testing.T) {
	for _, sizes := range [][2]int{{8, 8}, {8, 64}, {64, 8}, {62, 62}, {32, 64}, {64, 9}} {
		dev := echo()
		dev.In, dev.Out = sizes[0], sizes[1]
		conn := openDevice(t, dev, nil)
		largest := min(ctaphid.MaxMessage(sizes[0]), ctaphid.MaxMessage(sizes[1]))
		for _, n := range []int{0, 1, 2, 57, 58, largest - 1, largest} {
			data := bytes.Repeat([]byte{0xa5}, n)
			if reply, err := conn.Ping(t.Context(), nil, data); err != nil || !bytes.Equal(reply, data) {
				t.Errorf("reports of %d in and %d out, %d bytes: %v", sizes[0], sizes[1], n, err)
			}
		}
		_, err := conn.Ping(t.Context(), nil, make([]byte, ctaphid.MaxMessage(sizes[1])+1))
		checkError(t, err, ctaphid.ErrTooLong)
	}
}

func TestConnReportsAreFilledWithZeros(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// A transcript compares whole reports.
		conn := openScript(t,
			sentText(ctaphid.CommandPing, bytes.Repeat([]byte{0xff}, 57+59))+
				receivedText(ctaphid.CommandPing, bytes.Repeat([]byte{0xff}, 57+59))+
				getInfoSent+"< 00220002 90 0001 00 ffffffff\n"+
				"> 00220002 88 0000\n< 00220002 88 0000\n", nil)
		if _, err := conn.Ping(t.Context(), nil, bytes.Repeat([]byte{0xff}, 57+59)); err != nil {
			t.Error(err)
		}
		checkCBOR(t, conn, t.Context(), 0)
		if err := conn.Wink(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestConnCommands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := openScript(t, `
			> 00220002 81 000a 48656c6c6f204649444f
			< 00220002 81 000a 48656c6c6f204649444f
			> 00220002 81 0002 0001
			< 00220002 81 0002 0002
		`+resync+`
			> 00220002 83 0007 00030000000000
			< 00220002 bb 0001 01                      # tolerated in U2F too
			< 00220002 83 0008 5532465f56329000
			> 00220002 83 0001 00
			< 00220002 83 0001 90
		`+resync+`
			> 00220002 88 0000
			< 00220002 88 0000
			> 00220002 84 0001 0a
			< 00220002 84 0000
			> 00220002 84 0001 02
			< 00220002 84 0000
			> 00220002 84 0001 00
			< 00220002 bf 0001 01
			> 00220002 c1 0003 010203
			< 00220002 c1 0002 0405
		`+resync, nil)
		ctx := t.Context()
		reply, err := conn.Ping(ctx, []byte("echo: "), []byte("Hello FIDO"))
		if err != nil || string(reply) != "echo: Hello FIDO" {
			t.Errorf("Ping gives %q, %v", reply, err)
		}
		_, err = conn.Ping(ctx, nil, []byte{0, 1})
		checkProtocolError(t, err, "PING reply")
		reply, err = conn.MSG(ctx, nil, []byte{0, 3, 0, 0, 0, 0, 0})
		if err != nil || string(reply) != "U2F_V2\x90\x00" {
			t.Errorf("MSG gives %q, %v", reply, err)
		}
		_, err = conn.MSG(ctx, nil, []byte{0})
		checkProtocolError(t, err, "status word")
		if err := conn.Wink(ctx); err != nil {
			t.Error(err)
		}
		if err := conn.Lock(ctx, 10*time.Second); err != nil {
			t.Error(err)
		}
		if err := conn.Lock(ctx, time.Second+time.Nanosecond); err != nil {
			t.Error(err)
		}
		checkError(t, conn.Lock(ctx, 0), ctaphid.ErrInvalidCmd)
		checkError(t, conn.Lock(ctx, 10*time.Second+1), ctaphid.ErrInvalidPar)
		checkError(t, conn.Lock(ctx, -1), ctaphid.ErrInvalidPar)
		reply, err = conn.Vendor(ctx, nil, 0x41, []byte{1, 2, 3})
		if err != nil || !bytes.Equal(reply, []byte{4, 5}) {
			t.Errorf("Vendor gives %x, %v", reply, err)
		}
		_, err = conn.Vendor(ctx, nil, ctaphid.CommandCBOR, nil)
		checkError(t, err, ctaphid.ErrInvalidCmd)
		if err := conn.Resync(ctx); err != nil {
			t.Error(err)
		}
	})
}

func TestConnTraceSeesEveryReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []string
		trace := func(e ctaphid.TraceEvent) { got = append(got, e.String()) }
		conn := openScript(t, getInfoSent+`
			< 00330003 81 0000
			< 00220002 bb 0001 01
			< 00220002 bb 0001 02
			< 00220002 bb 0001 07
			< 00220002 bf 0001 06
			~ 99ms
			> 00220002 90 0001 04
		`+receivedText(ctaphid.CommandCBOR, long), &ctaphid.Config{Trace: trace, Rand: strings.NewReader("nonce123")})
		checkCBOR(t, conn, t.Context(), long...)
		want := []string{
			"> ffffffff INIT, nonce 6e6f6e6365313233",
			"< ffffffff INIT, nonce 6e6f6e6365313233, channel 00220002, capabilities WINK, CBOR",
			"> 00220002 CBOR, 1 byte",
			"< 00330003 PING, 0 bytes",
			"< 00220002 KEEPALIVE, processing",
			"< 00220002 KEEPALIVE, waiting for the user",
			"< 00220002 KEEPALIVE, status 7",
			"< 00220002 ERROR, CHANNEL_BUSY",
			"> 00220002 CBOR, 1 byte",
			"< 00220002 CBOR, 150 bytes",
			"< 00220002 continuation 0",
			"< 00220002 continuation 1",
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("the trace is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
}
