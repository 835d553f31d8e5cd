package ctaphid_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/ctaphid/ctaphidtest"
)

// opening is how every conversation with a CTAP2 key begins (the reply is that
// of libfido2's fuzz/wiredata_fido2.h).
const opening = `
	> ffffffff 86 0008 $nonce
	< ffffffff 86 0011 $nonce 00220002 02 050201 05
`

// resync is what a Conn does before the request after a failed one.
const resync = `
	> 00220002 86 0008 $nonce
	< 00220002 86 0011 $nonce 00220002 02 050201 05
`

// openScript returns a Conn to a device that plays the transcript after the
// opening.
func openScript(t *testing.T, transcript string, config *ctaphid.Config) *ctaphid.Conn {
	t.Helper()
	return openDevice(t, ctaphidtest.NewScript(t, opening+transcript), config)
}

func openDevice(t *testing.T, dev ctaphid.Device, config *ctaphid.Config) *ctaphid.Conn {
	t.Helper()
	conn, err := ctaphid.Open(t.Context(), dev, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// cancelAfter returns a context that is cancelled after d.
func cancelAfter(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	timer := time.AfterFunc(d, cancel)
	t.Cleanup(func() { timer.Stop(); cancel() })
	return ctx
}

// request is a CBOR request of one packet, as transcripts show it.
var getInfo = []byte{0x04}

const getInfoSent = "> 00220002 90 0001 04\n"

// long is a message of three packets.
var (
	long     = bytes.Repeat([]byte{0xab}, 150)
	longSent = sentText(ctaphid.CommandCBOR, long)
)

// sentText returns a message of the host as lines of a transcript.
func sentText(command ctaphid.Command, data []byte) string {
	return messageText("> ", command, data)
}

// receivedText returns a message of the device as lines of a transcript.
func receivedText(command ctaphid.Command, data []byte) string {
	return messageText("< ", command, data)
}

func messageText(prefix string, command ctaphid.Command, data []byte) string {
	var b strings.Builder
	m := ctaphid.Message{CID: 0x00220002, Command: command, Data: data}
	for _, report := range ctaphidtest.Reports(64, m) {
		b.WriteString(prefix + hex.EncodeToString(report) + "\n")
	}
	return b.String()
}

// checkCBOR makes a getInfo request and wants the reply.
func checkCBOR(t *testing.T, conn *ctaphid.Conn, ctx context.Context, want ...byte) {
	t.Helper()
	reply, err := conn.CBOR(ctx, nil, getInfo, nil)
	if err != nil || !bytes.Equal(reply, want) {
		t.Errorf("CBOR gives %x, %v; want %x", reply, err, want)
	}
}

// checkError wants an OpError that is target to errors.Is.
func checkError(t *testing.T, err, target error) {
	t.Helper()
	var op *ctaphid.OpError
	if !errors.As(err, &op) || !errors.Is(err, target) {
		t.Errorf("error is %v, want an OpError that is %v", err, target)
	}
}

// checkProtocolError wants a *ProtocolError that mentions problem.
func checkProtocolError(t *testing.T, err error, problem string) {
	t.Helper()
	var p *ctaphid.ProtocolError
	if !errors.As(err, &p) || !strings.Contains(p.Problem, problem) {
		t.Errorf("error is %v, want a ProtocolError that says %q", err, problem)
	}
}

// checkElapsed wants virtual time to have gone on by want, exactly.
func checkElapsed(t *testing.T, since time.Time, want time.Duration) {
	t.Helper()
	if got := time.Since(since); got != want {
		t.Errorf("%v went by, want %v", got, want)
	}
}

// echo returns a device that sends every message back.
func echo() *ctaphidtest.Func {
	return ctaphidtest.NewFunc(func(m ctaphid.Message, reply func(ctaphid.Message)) {
		if m.Command != ctaphid.CommandCancel {
			reply(m)
		}
	})
}

// keepalives sends one on cid every d until the test ends.
func keepalives(t *testing.T, dev *ctaphidtest.Func, cid ctaphid.CID, d time.Duration) {
	var all sync.WaitGroup
	stop := make(chan struct{})
	t.Cleanup(func() { close(stop); all.Wait() })
	all.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(d):
			}
			dev.Send(ctaphid.Message{CID: cid, Command: ctaphid.CommandKeepalive, Data: []byte{ctaphid.StatusUPNeeded}})
		}
	})
}
