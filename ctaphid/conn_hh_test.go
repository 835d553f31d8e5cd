package ctaphid_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/ctaphid/ctaphidtest"
)

func TestHH01WrongNonceIsIgnored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := openDevice(t, ctaphidtest.NewScript(t, `
			> ffffffff 86 0008 $nonce
			< ffffffff 86 0011 0102030405060708 00990009 02 050201 05
			< ffffffff 86 0011 0102030405060708 00990009 02 050201 05
			< ffffffff 86 0004 01020304                # too short to have a nonce
			< ffffffff bf 0001 0b                      # another program's mistake
			< ffffffff 86 0011 $nonce 00220002 02 050201 05
			> 00220002 90 0001 04
			< 00220002 90 0001 00
		`), nil)
		if got := conn.Info().CID; got != 0x00220002 {
			t.Errorf("the channel is %v", got)
		}
		checkCBOR(t, conn, t.Context(), 0)
	})
}

func TestHH02ForeignFramesAreSkipped(t *testing.T) {
	reply := receivedText(ctaphid.CommandCBOR, long)
	packets := strings.SplitAfter(reply, "\n")
	foreign := strings.ReplaceAll(reply, "< 00220002", "< 00330003")
	synctest.Test(t, func(t *testing.T) {
		conn := openScript(t, getInfoSent+
			foreign+ // a whole message before ours
			"< 00330003 bf 0001 06\n"+
			packets[0]+
			foreign+ // and between our packets
			"< 00330003 90 0001 00\n"+
			packets[1]+
			"< 00330003 bb 0001 02\n"+
			packets[2], nil)
		checkCBOR(t, conn, t.Context(), long...)
	})
}

func TestHH03KeepaliveRearmsTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := openScript(t, getInfoSent+`
			~ 2900ms
			< 00220002 bb 0001 01
			~ 2900ms
			< 00220002 bb 0001 02
			~ 2900ms
			< 00220002 90 0001 00
			> 00220002 90 0001 04
			< 00220002 bb 0001 02
			~ 2900ms
			< 00330003 bb 0001 02                      # for another program
			~ 99ms
			> 00220002 86 0008 ........ ........       # the request is given up
			~ 1s
			< 00220002 90 0001 00                      # late
		`+resync+getInfoSent+`
			< 00220002 90 0001 2e
		`, nil)
		checkCBOR(t, conn, t.Context(), 0)
		start := time.Now()
		_, err := conn.CBOR(t.Context(), nil, getInfo, nil)
		checkError(t, err, ctaphid.ErrSilent)
		checkError(t, err, context.DeadlineExceeded)
		checkError(t, err, os.ErrDeadlineExceeded)
		checkElapsed(t, start, 3*time.Second)
		time.Sleep(2 * time.Second)
		checkCBOR(t, conn, t.Context(), 0x2e)
	})
}

func TestHH04CancelWhileWritingFinishesWriting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		script := ctaphidtest.NewScript(t, opening+longSent+`
			> 00220002 91 0000
			~ 30ms
			< 00220002 90 0001 2d
		`)
		slow := ctaphidtest.Faulty(script, ctaphidtest.Delay(ctaphidtest.ToKey, 3, 100*time.Millisecond))
		conn := openDevice(t, slow, nil)
		start := time.Now()
		_, err := conn.CBOR(cancelAfter(t, 50*time.Millisecond), nil, long, nil)
		checkError(t, err, context.Canceled)
		checkElapsed(t, start, 130*time.Millisecond)
	})
}

func TestHH04WritingThatOutlastsTheGraceIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := func(f ctaphidtest.Frame) []ctaphidtest.Frame {
			if !f.ToHost && f.Number > 1 {
				f.Delay = time.Second
			}
			return []ctaphidtest.Frame{f}
		}
		conn := openDevice(t, ctaphidtest.Faulty(echo(), slow), nil)
		start := time.Now()
		_, err := conn.CBOR(cancelAfter(t, 50*time.Millisecond), nil, make([]byte, 7609), nil)
		checkError(t, err, context.Canceled)
		checkElapsed(t, start, 2*time.Second) // the write under way when the context ended, and one more
	})
}

func TestHH05CancelWhileWaiting(t *testing.T) {
	cause := errors.New("the window was closed")
	for _, tt := range []struct {
		name       string
		transcript string
		elapsed    time.Duration
		reply      []byte
	}{
		{"ends as cancelled", `
			> 00220002 91 0000
			< 00220002 bb 0001 02
			~ 200ms
			< 00220002 90 0001 2d
		`, 700 * time.Millisecond, nil},
		{"a success that was on its way is returned whole", `
			> 00220002 91 0000
			~ 200ms
		` + receivedText(ctaphid.CommandCBOR, long) + resync, 700 * time.Millisecond, long},
		{"another status that was on its way is returned", `
			> 00220002 91 0000
			< 00220002 90 0001 31
			< 00220002 90 0001 2d                      # some keys answer twice
		` + resync, 500 * time.Millisecond, []byte{0x31}},
		{"an ERROR message ends it", `
			> 00220002 91 0000
			< 00220002 bf 0001 01
			< 00220002 90 0001 00                      # the error was about CANCEL
		` + resync, 500 * time.Millisecond, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				conn := openScript(t, getInfoSent+`
					< 00220002 bb 0001 02
				`+tt.transcript+getInfoSent+`
					< 00220002 90 0001 00
				`, nil)
				ctx, cancel := context.WithCancelCause(t.Context())
				time.AfterFunc(500*time.Millisecond, func() { cancel(cause) })
				start := time.Now()
				reply, err := conn.CBOR(ctx, nil, getInfo, nil)
				checkElapsed(t, start, tt.elapsed)
				if tt.reply == nil {
					checkError(t, err, context.Canceled)
					checkError(t, err, cause)
				} else if err != nil || !bytes.Equal(reply, tt.reply) {
					t.Errorf("CBOR gives %x, %v; want %x", reply, err, tt.reply)
				}
				checkCBOR(t, conn, t.Context(), 0)
			})
		})
	}
}

func TestHH05CancelIgnoredByTheKeyEndsAfterTheGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := openScript(t, getInfoSent+`
			< 00220002 bb 0001 02
			> 00220002 91 0000
			< 00220002 bb 0001 02                      # keepalives do not prolong the grace
			~ 400ms
			< 00220002 bb 0001 02
			~ 99ms
			> 00220002 86 0008 ................        # the request is given up
			< 00220002 86 0011 0000000000000000 00220002 02 050201 05
			< 00220002 90 0001 00                      # and yet it answers
		`+resync+getInfoSent+`
			< 00220002 90 0001 2e
		`, nil)
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		start := time.Now()
		_, err := conn.CBOR(ctx, nil, getInfo, nil)
		checkError(t, err, context.DeadlineExceeded)
		if errors.Is(err, ctaphid.ErrSilent) {
			t.Error("the end of the context passes for silence")
		}
		checkElapsed(t, start, time.Second)
		checkCBOR(t, conn, t.Context(), 0x2e)
	})
}

func TestHH06CancelAfterTheFirstReplyPacketIsNotSent(t *testing.T) {
	packets := strings.SplitAfter(receivedText(ctaphid.CommandCBOR, long), "\n")
	synctest.Test(t, func(t *testing.T) {
		conn := openScript(t, getInfoSent+packets[0]+"~ 200ms\n"+packets[1]+"~ 200ms\n"+packets[2]+
			getInfoSent+packets[0]+"~ 999ms\n"+ // the rest does not come within the grace
			"> 00220002 86 0008 ................\n"+packets[1]+packets[2]+
			resync+getInfoSent+"< 00220002 90 0001 00\n", nil)
		checkCBOR(t, conn, cancelAfter(t, 100*time.Millisecond), long...)

		start := time.Now()
		_, err := conn.CBOR(cancelAfter(t, 500*time.Millisecond), nil, getInfo, nil)
		checkError(t, err, context.Canceled)
		checkElapsed(t, start, time.Second)
		checkCBOR(t, conn, t.Context(), 0)
	})
}

func TestHH07BusyIsRetried(t *testing.T) {
	const busy = "< 00220002 bf 0001 06\n"
	t.Run("until the device is free", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			conn := openScript(t, longSent+busy+busy+busy+"~ 99ms\n"+
				longSent+busy+"~ 99ms\n"+
				longSent+"< 00220002 90 0001 00\n", nil)
			start := time.Now()
			reply, err := conn.CBOR(t.Context(), nil, long, nil)
			if err != nil || !bytes.Equal(reply, []byte{0}) {
				t.Errorf("CBOR gives %x, %v", reply, err)
			}
			checkElapsed(t, start, 200*time.Millisecond)
		})
	})
	for _, tt := range []struct {
		name    string
		within  time.Duration // 0: no deadline
		elapsed time.Duration
		want    error
	}{
		{"until the context ends", 1050 * time.Millisecond, 1050 * time.Millisecond, context.DeadlineExceeded},
		{"for two minutes without a deadline", 0, 2 * time.Minute, ctaphid.ErrChannelBusy},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				conn := openDevice(t, ctaphidtest.Faulty(echo(), ctaphidtest.Busy(1<<30)), nil)
				ctx := t.Context()
				if tt.within > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tt.within)
					defer cancel()
				}
				start := time.Now()
				_, err := conn.CBOR(ctx, nil, getInfo, nil)
				checkError(t, err, tt.want)
				checkError(t, err, ctaphid.ErrChannelBusy) // the reason, whatever ended the wait
				checkElapsed(t, start, tt.elapsed)
			})
		})
	}
	t.Run("INIT too", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			openDevice(t, ctaphidtest.NewScript(t, `
				> ffffffff 86 0008 $nonce
				< ffffffff bf 0001 06
				~ 99ms
			`+opening), nil)
			checkElapsed(t, start, 100*time.Millisecond)
		})
	})
}

func TestHH08WriteErrorIsTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dev := &brokenWrites{Func: echo()}
		conn := openDevice(t, dev, nil)
		broken := errors.New("EIO")
		dev.broken = make(chan error)
		results := make(chan error)
		for range 3 {
			go func() {
				_, err := conn.CBOR(t.Context(), nil, getInfo, nil)
				results <- err
			}()
		}
		synctest.Wait() // one blocks in the write, two wait for their turn
		dev.broken <- broken
		start := time.Now()
		for range 3 {
			checkError(t, <-results, broken)
		}
		checkError(t, conn.Wink(t.Context()), broken)
		checkElapsed(t, start, 0)
	})
}

type brokenWrites struct {
	*ctaphidtest.Func
	broken chan error
}

func (d *brokenWrites) WriteReport(p []byte) error {
	if d.broken != nil {
		return <-d.broken
	}
	return d.Func.WriteReport(p)
}

// TestHH09TypedErrorsLeaveTheChannelUsable has HH9 to HH11: what a device must
// not send, and what it may refuse.
func TestHH09TypedErrorsLeaveTheChannelUsable(t *testing.T) {
	first := strings.SplitAfter(receivedText(ctaphid.CommandCBOR, long), "\n")[0]
	for _, tt := range []struct {
		name, received, problem string
		resync                  bool
		code                    ctaphid.ErrorCode
	}{
		{name: "HH9 wrong command", received: "< 00220002 83 0002 9000", problem: "MSG in reply to CBOR"},
		{name: "HH9 reply to a command that nobody knows", received: "< 00220002 a0 0000", problem: "0x20"},
		{name: "HH10 sequence skips", received: first + "< 00220002 01", problem: "sequence"},
		{name: "HH10 sequence begins late", received: first + "< 00220002 7f", problem: "sequence"},
		{name: "HH10 reply begins again", received: first + first, problem: "middle"},
		{name: "HH10 keepalive mid-message", received: first + "< 00220002 bb 0001 02", problem: "middle"},
		{name: "HH10 ERROR mid-message", received: first + "< 00220002 bf 0001 7f", problem: "middle"},
		{name: "HH10 short report", received: "<| 00220002 90 0001 00", problem: "8 bytes instead of 64"},
		{name: "HH10 report without a channel", received: "<| 0022", problem: "short report"},
		{name: "HH10 empty report", received: "<|", problem: "short report"},
		{name: "BCNT above the maximum", received: "< 00220002 90 1dba", problem: "longer"},
		{name: "BCNT ffff", received: "< 00220002 90 ffff", problem: "longer"},
		{name: "HH11 ERROR without a code", received: "< 00220002 bf 0000", problem: "ERROR message"},
		{name: "HH11 ERROR of two bytes", received: "< 00220002 bf 0002 0606", problem: "ERROR message"},
		{name: "KEEPALIVE without a status", received: "< 00220002 bb 0000", problem: "KEEPALIVE"},
		{name: "CBOR reply without a status", received: "< 00220002 90 0000", problem: "without a status"},
		{name: "INVALID_CMD", received: "< 00220002 bf 0001 01", code: ctaphid.ErrInvalidCmd},
		{name: "INVALID_PAR", received: "< 00220002 bf 0001 02", code: ctaphid.ErrInvalidPar},
		{name: "INVALID_LEN", received: "< 00220002 bf 0001 03", code: ctaphid.ErrInvalidLen},
		{name: "INVALID_SEQ", received: "< 00220002 bf 0001 04", code: ctaphid.ErrInvalidSeq},
		{name: "MSG_TIMEOUT", received: "< 00220002 bf 0001 05", code: ctaphid.ErrMsgTimeout},
		{name: "LOCK_REQUIRED", received: "< 00220002 bf 0001 0a", code: ctaphid.ErrLockRequired},
		{name: "OTHER", received: "< 00220002 bf 0001 7f", code: ctaphid.ErrOther},
		{name: "a code nobody knows", received: "< 00220002 bf 0001 00", code: ctaphid.ErrorCode(0)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				script := getInfoSent + tt.received + "\n"
				if tt.problem != "" {
					script += resync
				}
				conn := openScript(t, script+getInfoSent+"< 00220002 90 0001 00\n", nil)
				start := time.Now()
				_, err := conn.CBOR(t.Context(), nil, getInfo, nil)
				checkElapsed(t, start, 0)
				if tt.problem != "" {
					checkProtocolError(t, err, tt.problem)
				} else {
					checkError(t, err, tt.code)
				}
				checkCBOR(t, conn, t.Context(), 0)
			})
		})
	}
	t.Run("a refused long request is followed by INIT", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			conn := openScript(t, longSent+`
				< 00220002 bf 0001 03
				< 00220002 bf 0001 04                      # about the rest of it
			`+resync+getInfoSent+"< 00220002 90 0001 00\n", nil)
			_, err := conn.CBOR(t.Context(), nil, long, nil)
			checkError(t, err, ctaphid.ErrInvalidLen)
			checkCBOR(t, conn, t.Context(), 0)
		})
	})
}

func TestHH12CloseEndsWhatIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := openScript(t, getInfoSent+`
			< 00220002 bb 0001 02
			> 00220002 91 0000                         # or it would wait for a touch for ever
		`, nil)
		results := make(chan error)
		for range 3 {
			go func() {
				_, err := conn.CBOR(t.Context(), nil, getInfo, nil)
				results <- err
			}()
		}
		synctest.Wait()
		start := time.Now()
		go func() { results <- conn.Close() }()
		var errs []error
		for range 4 {
			errs = append(errs, <-results)
		}
		checkElapsed(t, start, 0)
		closed := 0
		for _, err := range errs {
			if err != nil {
				checkError(t, err, os.ErrClosed)
				closed++
			}
		}
		if closed != 3 {
			t.Errorf("%d calls failed, want 3", closed)
		}
		if err := conn.Close(); err != nil {
			t.Errorf("the second Close gives %v", err)
		}
		checkError(t, conn.Wink(t.Context()), os.ErrClosed)
	})
}

func TestHH12CloseEndsABlockedWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dev := &brokenWrites{Func: echo()}
		conn := openDevice(t, &closesWrites{brokenWrites: dev}, nil)
		dev.broken = make(chan error)
		result := make(chan error)
		go func() {
			_, err := conn.CBOR(t.Context(), nil, getInfo, nil)
			result <- err
		}()
		synctest.Wait()
		start := time.Now()
		conn.Close()
		checkError(t, <-result, os.ErrClosed)
		checkElapsed(t, start, 500*time.Millisecond)
	})
}

// closesWrites ends a blocked write when it is closed, as a Device must.
type closesWrites struct{ *brokenWrites }

func (d *closesWrites) Close() error {
	close(d.broken)
	return d.Func.Close()
}

func TestHH13KeyWithoutCBORIsNeverSentCancel(t *testing.T) {
	const u2fOpening = `
		> ffffffff 86 0008 $nonce
		< ffffffff 86 0011 $nonce 00220002 02 000000 01
	`
	synctest.Test(t, func(t *testing.T) {
		conn := openDevice(t, ctaphidtest.NewScript(t, u2fOpening+`
			> 00220002 83 0007 00030000000000
			~ 300ms
			< 00220002 83 0008 5532465f56329000
			> 00220002 83 0007 00030000000000
			~ 1s
			< 00220002 83 0002 6985
			> 00220002 86 0008 $nonce
			< 00220002 86 0011 $nonce 00220002 02 000000 01
			> 00220002 90 0001 04
			~ 500ms
			< 00220002 bf 0001 01
		`), nil)
		version := []byte{0, 3, 0, 0, 0, 0, 0}
		reply, err := conn.MSG(cancelAfter(t, 100*time.Millisecond), nil, version)
		if err != nil || string(reply) != "U2F_V2\x90\x00" {
			t.Errorf("the reply that comes within the grace is %q, %v", reply, err)
		}
		start := time.Now()
		_, err = conn.MSG(cancelAfter(t, 100*time.Millisecond), nil, version)
		checkError(t, err, context.Canceled)
		checkElapsed(t, start, 600*time.Millisecond)
		time.Sleep(time.Second)
		_, err = conn.CBOR(cancelAfter(t, 100*time.Millisecond), nil, getInfo, nil)
		checkError(t, err, context.Canceled)
	})
}

func TestHH14EndedContextWritesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := openScript(t, "", nil)
		ctx, cancel := context.WithCancelCause(t.Context())
		cause := errors.New("never mind")
		cancel(cause)
		_, err := conn.CBOR(ctx, nil, getInfo, nil)
		checkError(t, err, context.Canceled)
		checkError(t, err, cause)
		checkError(t, conn.Resync(ctx), context.Canceled)
		_, err = ctaphid.Open(ctx, ctaphidtest.NewScript(t, ""), nil)
		checkError(t, err, context.Canceled)
	})
}

func TestHH15StaleReportsAreDrained(t *testing.T) {
	t.Run("before the first INIT", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			conn := openDevice(t, ctaphidtest.NewScript(t, `
				< 00220002 90 0001 00
				< 00220002 bb 0001 02
				< ffffffff 86 0050 0102030405060708 00220002 02 050201 05   # half a long one
				< 00220002 00 00
				<| 00
			`+opening+getInfoSent+`
				< 00220002 90 0001 2e
			`), nil)
			checkCBOR(t, conn, t.Context(), 0x2e)
		})
	})
	t.Run("the rest of an old reply before the new one", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			conn := openScript(t, getInfoSent+`
				< 00220002 05 aabbcc
				< 00220002 00 aabbcc
				< 00220002 90 0001 2e
			`, nil)
			checkCBOR(t, conn, t.Context(), 0x2e)
		})
	})
	t.Run("a whole series after time-outs", func(t *testing.T) {
		// libfido2 issue 917: each reply that came too late was taken for that
		// of the next request.
		synctest.Test(t, func(t *testing.T) {
			dev := ctaphidtest.NewFunc(nil)
			dev.Answer = func(m ctaphid.Message, reply func(ctaphid.Message)) {
				if m.Command == ctaphid.CommandCBOR {
					time.AfterFunc(time.Duration(m.Data[1])*time.Second, func() {
						reply(ctaphid.Message{Command: m.Command, Data: m.Data})
					})
				}
			}
			conn := openDevice(t, dev, nil)
			for i, delay := range []byte{4, 1, 5, 4, 0, 2} {
				request := []byte{byte(i), delay}
				reply, err := conn.CBOR(t.Context(), nil, request, nil)
				switch {
				case delay > 3:
					checkError(t, err, ctaphid.ErrSilent)
					time.Sleep(2500 * time.Millisecond) // now the late reply is queued
				case err != nil || !bytes.Equal(reply, request):
					t.Errorf("request %x gets %x, %v", request, reply, err)
				}
			}
		})
	})
}

func TestHH16UnplugEndsEveryCall(t *testing.T) {
	for _, tt := range []struct{ name, transcript string }{
		{"before the reply", getInfoSent + "! gone"},
		{"after a keepalive", getInfoSent + "< 00220002 bb 0001 02\n ~ 1s\n ! gone"},
		{"in the middle of the reply", getInfoSent + strings.SplitAfter(receivedText(ctaphid.CommandCBOR, long), "\n")[0] + "! gone"},
		{"before the request", "! gone"},
		{"while it is cancelled", getInfoSent + "> 00220002 91 0000\n ! gone"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				conn := openScript(t, tt.transcript, nil)
				_, err := conn.CBOR(cancelAfter(t, 2*time.Second), nil, getInfo, nil)
				checkError(t, err, ctaphid.ErrGone)
				start := time.Now()
				checkError(t, conn.Resync(t.Context()), ctaphid.ErrGone)
				checkElapsed(t, start, 0)
			})
		})
	}
}
