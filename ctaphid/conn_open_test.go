package ctaphid_test

import (
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/ctaphid/ctaphidtest"
)

func TestOpenRefuses(t *testing.T) {
	for _, tt := range []struct {
		name, received string
		after          time.Duration
		check          func(*testing.T, error)
	}{
		{"nothing", "", 3 * time.Second, func(t *testing.T, err error) { checkError(t, err, ctaphid.ErrSilent) }},
		{"short reply", "< ffffffff 86 0010 $nonce 00220002 02 050201", 0, func(t *testing.T, err error) { checkProtocolError(t, err, "16 bytes") }},
		{"channel 0", "< ffffffff 86 0011 $nonce 00000000 02 050201 05", 0, func(t *testing.T, err error) { checkProtocolError(t, err, "00000000") }},
		{"the broadcast channel", "< ffffffff 86 0011 $nonce ffffffff 02 050201 05", 0, func(t *testing.T, err error) { checkProtocolError(t, err, "ffffffff") }},
		{"only an error", "< ffffffff bf 0001 7f", 3 * time.Second, func(t *testing.T, err error) { checkError(t, err, ctaphid.ErrOther) }},
		{"unplugged", "! gone", 0, func(t *testing.T, err error) { checkError(t, err, ctaphid.ErrGone) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dev := ctaphidtest.NewScript(t, "> ffffffff 86 0008 $nonce\n"+tt.received)
				start := time.Now()
				_, err := ctaphid.Open(t.Context(), dev, nil)
				tt.check(t, err)
				checkElapsed(t, start, tt.after)
				if err := dev.WriteReport(nil); !errors.Is(err, os.ErrClosed) {
					t.Errorf("the device was left open: %v", err)
				}
			})
		})
	}
	t.Run("impossible report sizes", func(t *testing.T) {
		for _, sizes := range [][2]int{{7, 64}, {64, 7}, {65, 64}, {64, 1024}, {0, 0}} {
			dev := echo()
			dev.In, dev.Out = sizes[0], sizes[1]
			_, err := ctaphid.Open(t.Context(), dev, nil)
			checkError(t, err, ctaphid.ErrReportSize)
		}
	})
	t.Run("no randomness", func(t *testing.T) {
		_, err := ctaphid.Open(t.Context(), echo(), &ctaphid.Config{Rand: strings.NewReader("short")})
		checkError(t, err, io.ErrUnexpectedEOF)
	})
}

func TestOpenTakesLongerReplies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		info := openDevice(t, ctaphidtest.NewScript(t, `
			> ffffffff 86 0008 $nonce
			< ffffffff 86 0050 $nonce 00220002 03 050201 85 0102
			< ffffffff 00 03
		`), nil).Info()
		info.Nonce = [8]byte{}
		if want := (ctaphid.InitInfo{CID: 0x00220002, ProtocolVersion: 3, Major: 5, Minor: 2, Build: 1, Capabilities: 0x85}); info != want {
			t.Errorf("Info is %+v, want %+v", info, want)
		}
	})
}

// The reply to INIT on an own channel must be about that channel.
func TestConnResyncToAnotherChannel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := openScript(t, `
			> 00220002 86 0008 $nonce
			< 00220002 86 0011 $nonce 00220003 02 050201 05
		`+resync+getInfoSent+"< 00220002 90 0001 00\n", nil)
		checkProtocolError(t, conn.Resync(t.Context()), "is about channel 00220003")
		if got := conn.Info().CID; got != 0x00220002 {
			t.Errorf("the channel is %v", got)
		}
		checkCBOR(t, conn, t.Context(), 0)
	})
}
