package ctaphid_test

import (
	"bytes"
	"context"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/ctaphid/ctaphidtest"
)

func TestConnWaitingIsToldChangesOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := openScript(t, getInfoSent+`
			< 00220002 bb 0001 01
			< 00220002 bb 0001 01
			< 00220002 bb 0001 02
			< 00220002 bb 0001 02
			< 00220002 bb 0001 00
			< 00220002 bb 0001 ff
			< 00220002 bb 0001 01
			< 00220002 90 0001 00
		`, nil)
		var got []byte
		_, err := conn.CBOR(t.Context(), nil, getInfo, func(status byte) { got = append(got, status) })
		if want := []byte{1, 2, 0, 0xff, 1}; err != nil || !bytes.Equal(got, want) {
			t.Errorf("told %x, %v; want %x", got, err, want)
		}
	})
}

func TestConnKeepalivesForEverEndWithOverall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cancelled := 0
		dev := ctaphidtest.NewFunc(nil)
		dev.Answer = func(m ctaphid.Message, reply func(ctaphid.Message)) {
			if m.Command == ctaphid.CommandCancel {
				cancelled++
				return
			}
			keepalives(t, dev, m.CID, 50*time.Millisecond)
		}
		conn := openDevice(t, dev, nil)
		start := time.Now()
		_, err := conn.CBOR(context.Background(), nil, getInfo, nil)
		checkError(t, err, ctaphid.ErrUnfinished)
		checkElapsed(t, start, 2*time.Minute+500*time.Millisecond)
		if cancelled != 1 {
			t.Errorf("CANCEL was sent %d times", cancelled)
		}
	})
}

func TestConnFloodsEndWithTheContext(t *testing.T) {
	for _, tt := range []struct {
		name string
		cid  ctaphid.CID
		want error
		end  time.Duration
	}{
		{"foreign reports are silence", 0x00330003, ctaphid.ErrSilent, 3 * time.Second},
		{"our keepalives end with the context", 0x00220002, context.DeadlineExceeded, 20*time.Second + 500*time.Millisecond},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dev := ctaphidtest.NewFunc(func(ctaphid.Message, func(ctaphid.Message)) {})
				conn := openDevice(t, dev, nil)
				keepalives(t, dev, tt.cid, time.Millisecond)
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				start := time.Now()
				_, err := conn.CBOR(ctx, nil, getInfo, nil)
				checkError(t, err, tt.want)
				checkElapsed(t, start, tt.end)
				// INIT must not drown in it either.
				start = time.Now()
				if err := conn.Resync(t.Context()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestConnSlowReplyIsNotSilence(t *testing.T) {
	packets := strings.SplitAfter(receivedText(ctaphid.CommandCBOR, long), "\n")
	synctest.Test(t, func(t *testing.T) {
		conn := openScript(t, getInfoSent+"~ 2s\n"+packets[0]+"~ 2s\n"+packets[1]+"~ 2s\n"+packets[2]+
			getInfoSent+packets[0]+"~ 5999ms\n"+
			"> 00220002 86 0008 ................\n", nil)
		checkCBOR(t, conn, t.Context(), long...)
		start := time.Now()
		_, err := conn.CBOR(t.Context(), nil, getInfo, nil)
		checkError(t, err, ctaphid.ErrSilent)
		checkElapsed(t, start, 6*time.Second)
	})
}

func TestConnInvalidChannel(t *testing.T) {
	t.Run("allocates a new one and sends again", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			conn := openScript(t, getInfoSent+`
				< 00220002 bf 0001 0b
				> ffffffff 86 0008 $nonce
				< ffffffff 86 0011 $nonce 00220003 02 050201 05
				> 00220003 90 0001 04
				< 00220002 90 0001 2e                      # the old channel is not ours any more
				< 00220003 90 0001 00
			`, nil)
			checkCBOR(t, conn, t.Context(), 0)
			if got := conn.Info().CID; got != 0x00220003 {
				t.Errorf("the channel is %v", got)
			}
		})
	})
	t.Run("once only", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			conn := openScript(t, getInfoSent+`
				< 00220002 bf 0001 0b
				> ffffffff 86 0008 $nonce
				< ffffffff 86 0011 $nonce 00220003 02 050201 05
				> 00220003 90 0001 04
				< 00220003 bf 0001 0b
			`, nil)
			_, err := conn.CBOR(t.Context(), nil, getInfo, nil)
			checkError(t, err, ctaphid.ErrInvalidChannel)
		})
	})
	t.Run("in the answer to INIT", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			conn := openScript(t, `
				> 00220002 86 0008 $nonce
				< 00220002 bf 0001 0b
				> ffffffff 86 0008 $nonce
				< ffffffff 86 0011 $nonce 00220003 02 050201 05
			`, nil)
			if err := conn.Resync(t.Context()); err != nil {
				t.Error(err)
			}
		})
	})
}

func TestConnConcurrentCallsTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		busy := false
		dev := ctaphidtest.NewFunc(nil)
		dev.Answer = func(m ctaphid.Message, reply func(ctaphid.Message)) {
			if busy {
				t.Error("two requests at a time")
			}
			busy = true
			time.AfterFunc(time.Second, func() {
				busy = false
				reply(m)
			})
		}
		conn := openDevice(t, dev, nil)
		start := time.Now()
		var all sync.WaitGroup
		for i := range 10 {
			all.Go(func() {
				request := bytes.Repeat([]byte{byte(i)}, 100*i)
				if reply, err := conn.Ping(t.Context(), nil, request); err != nil || !bytes.Equal(reply, request) {
					t.Errorf("call %d: %v", i, err)
				}
			})
		}
		all.Wait()
		checkElapsed(t, start, 10*time.Second)
	})
}

func TestConnWaitingForATurnEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := openScript(t, getInfoSent+"~ 2s\n< 00220002 90 0001 00\n", nil)
		var all sync.WaitGroup
		all.Go(func() { checkCBOR(t, conn, t.Context(), 0) })
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		_, err := conn.CBOR(ctx, nil, getInfo, nil)
		checkError(t, err, context.DeadlineExceeded)
		checkElapsed(t, start, time.Second)
		all.Wait() // the other call was not disturbed
	})
}

func TestConnPanicInWaitingLeavesTheTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := openScript(t, getInfoSent+"< 00220002 bb 0001 02\n"+resync+getInfoSent+"< 00220002 90 0001 00\n", nil)
		func() {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			conn.CBOR(t.Context(), nil, getInfo, func(byte) { panic("in the caller's code") })
		}()
		checkCBOR(t, conn, t.Context(), 0)
	})
}

// TestConnLateWakeIsTolerated lets the end of one call's context come when the
// reply has just arrived: the deadline that it sets then belongs to nobody.
func TestConnLateWakeIsTolerated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := openDevice(t, echo(), nil)
		for range 1000 {
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan struct{})
			go func() { defer close(done); cancel() }()
			if _, err := conn.CBOR(ctx, nil, getInfo, nil); err != nil {
				checkError(t, err, context.Canceled)
			}
			checkCBOR(t, conn, t.Context(), getInfo...)
			<-done
		}
		// And with certainty: a past deadline in the middle of a wait.
		dev := echo()
		dev.Answer = func(m ctaphid.Message, reply func(ctaphid.Message)) {
			time.AfterFunc(time.Second, func() { dev.SetReadDeadline(time.Unix(1, 0)) })
			time.AfterFunc(2*time.Second, func() { reply(m) })
		}
		checkCBOR(t, openDevice(t, dev, nil), t.Context(), getInfo...)
	})
}

// TestConnSurvivesFaults has one fault after another between Conn and device:
// the call may fail, but the next one succeeds.
func TestConnSurvivesFaults(t *testing.T) {
	const host, key = ctaphidtest.ToHost, ctaphidtest.ToKey
	for name, fault := range map[string]ctaphidtest.Fault{
		"none":                  func(f ctaphidtest.Frame) []ctaphidtest.Frame { return []ctaphidtest.Frame{f} },
		"reply packet lost":     ctaphidtest.Drop(host, 3),
		"first packet lost":     ctaphidtest.Drop(host, 2),
		"request packet lost":   ctaphidtest.Drop(key, 3),
		"reply packet doubled":  ctaphidtest.Duplicate(host, 3),
		"request doubled":       ctaphidtest.Duplicate(key, 2),
		"reply packets swapped": ctaphidtest.Swap(host, 3),
		"reply packet delayed":  ctaphidtest.Delay(host, 3, time.Second),
		"command corrupted":     ctaphidtest.Corrupt(host, 2, 4, 0x13),
		"length corrupted":      ctaphidtest.Corrupt(host, 2, 5, 0xff),
		"sequence corrupted":    ctaphidtest.Corrupt(host, 3, 4, 0x05),
		"channel corrupted":     ctaphidtest.Corrupt(host, 3, 0, 0x05),
		"init bit lost":         ctaphidtest.Corrupt(host, 2, 4, 0x80),
		"reply truncated":       ctaphidtest.Truncate(3, 10),
		"chatter":               ctaphidtest.Chatter(0x00330003),
		"foreign INIT":          ctaphidtest.ForeignInit(),
		"long INIT reply":       ctaphidtest.InitReplySize(40),
		"busy":                  ctaphidtest.Busy(5),
		"stale reports":         ctaphidtest.Stale(ctaphidtest.Reports(64, ctaphid.Message{CID: 0x00220002, Command: ctaphid.CommandPing, Data: long})...),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				conn := openDevice(t, ctaphidtest.Faulty(echo(), fault), nil)
				data := bytes.Repeat([]byte{1, 2, 3}, 100)
				start := time.Now()
				reply, err := conn.Ping(t.Context(), nil, data)
				if err == nil && !bytes.Equal(reply, data) {
					t.Error("a wrong reply passes")
				}
				if d := time.Since(start); d > 6*time.Second {
					t.Errorf("the call took %v", d)
				}
				if reply, err := conn.Ping(t.Context(), nil, data); err != nil || !bytes.Equal(reply, data) {
					t.Errorf("the next call: %v", err)
				}
			})
		})
	}
}

func TestConnDeviceThatIgnoresCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dev := ctaphidtest.NewFunc(func(ctaphid.Message, func(ctaphid.Message)) {})
		conn := openDevice(t, ctaphidtest.Faulty(dev, ctaphidtest.IgnoreCancel()), &ctaphid.Config{Grace: time.Second})
		start := time.Now()
		_, err := conn.CBOR(cancelAfter(t, time.Second), nil, getInfo, nil)
		checkError(t, err, context.Canceled)
		checkElapsed(t, start, 2*time.Second)
	})
}

func TestConnCloseAtAnyTime(t *testing.T) {
	packets := strings.SplitAfter(receivedText(ctaphid.CommandCBOR, long), "\n")
	cbor := func(ctx context.Context, conn *ctaphid.Conn) error {
		_, err := conn.CBOR(ctx, nil, getInfo, nil)
		return err
	}
	for _, tt := range []struct {
		name, transcript string
		call             func(context.Context, *ctaphid.Conn) error
	}{
		{"while it waits for INIT", "> 00220002 86 0008 $nonce", func(ctx context.Context, conn *ctaphid.Conn) error { return conn.Resync(ctx) }},
		{"while a busy device is left alone", getInfoSent + "< 00220002 bf 0001 06\n", cbor},
		{"in the middle of the reply", getInfoSent + packets[0] + packets[1], cbor},
		{"after CANCEL, which is not sent again", getInfoSent + "> 00220002 91 0000\n", cbor},
		{"while it waits for PING", "> 00220002 81 0000", func(ctx context.Context, conn *ctaphid.Conn) error {
			_, err := conn.Ping(ctx, nil, nil)
			return err
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				conn := openScript(t, tt.transcript, nil)
				time.AfterFunc(50*time.Millisecond, func() { conn.Close() })
				start := time.Now()
				ctx := t.Context()
				if strings.Contains(tt.name, "CANCEL") {
					ctx = cancelAfter(t, 20*time.Millisecond)
				}
				checkError(t, tt.call(ctx, conn), os.ErrClosed)
				checkElapsed(t, start, 50*time.Millisecond)
			})
		})
	}
}

// TestConnContextEndsInEveryPhase has nothing under way that could be
// cancelled: such a call ends at once.
func TestConnContextEndsInEveryPhase(t *testing.T) {
	for _, tt := range []struct{ name, transcript string }{
		{"while it waits for INIT", getInfoSent + `
			< 00220002 83 0002 9000                    # the wrong reply
			> 00220002 86 0008 $nonce
		`},
		{"while the INIT of a lost channel waits", getInfoSent + `
			< 00220002 83 0002 9000
			> 00220002 86 0008 $nonce
			< 00220002 bf 0001 0b
			> ffffffff 86 0008 $nonce
		`},
		{"while a device that refused INIT is left alone", getInfoSent + `
			< 00220002 83 0002 9000
			> 00220002 86 0008 $nonce
			< 00220002 bf 0001 06
		`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				conn := openScript(t, tt.transcript, nil)
				_, err := conn.CBOR(t.Context(), nil, getInfo, nil)
				checkProtocolError(t, err, "MSG in reply to CBOR")
				start := time.Now()
				_, err = conn.CBOR(cancelAfter(t, 50*time.Millisecond), nil, getInfo, nil)
				checkError(t, err, context.Canceled)
				checkElapsed(t, start, 50*time.Millisecond)
			})
		})
	}
}

func TestConnConfig(t *testing.T) {
	silent := func(ctaphid.Message, func(ctaphid.Message)) {}
	busy := func(m ctaphid.Message, reply func(ctaphid.Message)) {
		reply(ctaphid.Message{Command: ctaphid.CommandError, Data: []byte{byte(ctaphid.ErrChannelBusy)}})
	}
	for _, tt := range []struct {
		name    string
		config  ctaphid.Config
		answer  func(ctaphid.Message, func(ctaphid.Message))
		want    error
		elapsed time.Duration
		sent    int // how often the request was
	}{
		{"Silence", ctaphid.Config{Silence: time.Second}, silent, ctaphid.ErrSilent, time.Second, 1},
		{"Overall", ctaphid.Config{Overall: time.Second}, silent, ctaphid.ErrUnfinished, 1500 * time.Millisecond, 1},
		{"Overall and Grace", ctaphid.Config{Overall: time.Second, Grace: time.Second}, silent, ctaphid.ErrUnfinished, 2 * time.Second, 1},
		{"BusyRetry and Overall", ctaphid.Config{Overall: time.Second, BusyRetry: 400 * time.Millisecond}, busy, ctaphid.ErrChannelBusy, time.Second, 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sent := 0
				dev := ctaphidtest.NewFunc(func(m ctaphid.Message, reply func(ctaphid.Message)) {
					if m.Command == ctaphid.CommandCBOR {
						sent++
					}
					tt.answer(m, reply)
				})
				conn := openDevice(t, dev, &tt.config)
				start := time.Now()
				_, err := conn.CBOR(context.Background(), nil, getInfo, nil)
				checkError(t, err, tt.want)
				checkElapsed(t, start, tt.elapsed)
				if sent != tt.sent {
					t.Errorf("the request was sent %d times, want %d", sent, tt.sent)
				}
			})
		})
	}
}
