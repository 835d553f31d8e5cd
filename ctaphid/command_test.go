package ctaphid_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/gofido/fido/ctaphid"
)

func TestNames(t *testing.T) {
	for _, tt := range []struct {
		value fmt.Stringer
		want  string
	}{
		{ctaphid.CommandCBOR, "CBOR"},
		{ctaphid.CommandKeepalive, "KEEPALIVE"},
		{ctaphid.Command(0x41), "VENDOR 0x41"},
		{ctaphid.CommandVendorLast, "VENDOR 0x7f"},
		{ctaphid.Command(0x02), "command 0x02"},
		{ctaphid.Capabilities(0), "none"},
		{ctaphid.CapabilityWink | ctaphid.CapabilityCBOR, "WINK, CBOR"},
		{ctaphid.Capabilities(0xff), "WINK, LOCK, CBOR, NMSG, 0xf0"},
		{ctaphid.ErrChannelBusy, "CHANNEL_BUSY"},
		{ctaphid.ErrorCode(0x42), "error 0x42"},
		{ctaphid.BroadcastCID, "ffffffff"},
		{ctaphid.TooLong, "too long"},
		{ctaphid.Event(0xee), "unknown event"},
		{ctaphid.TraceEvent{Report: []byte{1}}, "< malformed report"},
	} {
		if got := tt.value.String(); got != tt.want {
			t.Errorf("%#v is %q, want %q", tt.value, got, tt.want)
		}
	}
}

func TestOpError(t *testing.T) {
	for _, tt := range []struct {
		err     error
		text    string
		is      []error
		timeout bool
	}{
		{ctaphid.ErrChannelBusy, "ctaphid: CBOR failed: CTAPHID CHANNEL_BUSY: another program is using the key; close it or try again",
			[]error{ctaphid.ErrChannelBusy}, false},
		{ctaphid.ErrorCode(0x42), "ctaphid: CBOR failed: CTAPHID error 0x42", []error{ctaphid.ErrorCode(0x42)}, false},
		{ctaphid.ErrGone, "ctaphid: CBOR failed: the key is gone: it was unplugged or switched off; plug it in and open it again", []error{ctaphid.ErrGone}, false},
		{ctaphid.ErrSilent, "ctaphid: CBOR failed: the key does not answer; unplug it and plug it in again",
			[]error{ctaphid.ErrSilent, context.DeadlineExceeded, os.ErrDeadlineExceeded}, true},
		{ctaphid.ErrUnfinished, "ctaphid: CBOR failed: the key did not finish in time; was it waiting for a touch?",
			[]error{ctaphid.ErrUnfinished, context.DeadlineExceeded, os.ErrDeadlineExceeded}, true},
		{context.DeadlineExceeded, "ctaphid: CBOR failed: context deadline exceeded", []error{context.DeadlineExceeded}, true},
		{context.Canceled, "ctaphid: CBOR failed: context canceled", []error{context.Canceled}, false},
		{&ctaphid.ProtocolError{Problem: "wrong sequence number", Report: make([]byte, 64)},
			"ctaphid: CBOR failed: the key broke the protocol: wrong sequence number (report 00000000000000000000000000000000)", nil, false},
		{&ctaphid.ProtocolError{Problem: "no status"}, "ctaphid: CBOR failed: the key broke the protocol: no status", nil, false},
	} {
		err := &ctaphid.OpError{Op: "CBOR", CID: 0x00220002, Err: tt.err}
		if got := err.Error(); got != tt.text {
			t.Errorf("the text is %q, want %q", got, tt.text)
		}
		for _, target := range tt.is {
			if !errors.Is(err, target) {
				t.Errorf("%v is not %v", err, target)
			}
		}
		if err.Timeout() != tt.timeout {
			t.Errorf("%v: Timeout is %v", err, err.Timeout())
		}
	}
}
