package ctaphid_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/gofido/fido/ctaphid"
)

// A rawExchange sends one request and reads the reply, without memory of its own.
type rawExchange struct {
	dev     ctaphid.Device
	request ctaphid.Message
	packets int // of the request
	replies int // and of the reply
	report  [ctaphid.MaxReportSize]byte
}

func (x *rawExchange) run(tb testing.TB) {
	for i := range x.packets {
		if err := x.dev.WriteReport(ctaphid.AppendPacket(x.report[:0], len(x.report), x.request, i)); err != nil {
			tb.Fatal(err)
		}
	}
	for range x.replies {
		if _, err := x.dev.ReadReport(x.report[:]); err != nil {
			tb.Fatal(err)
		}
		if x.report[4] == 0x80|byte(ctaphid.CommandError) {
			tb.Fatal(describe(x.report[:]))
		}
	}
}

func newRawExchange(tb testing.TB, command ctaphid.Command, n int) *rawExchange {
	l := ctaphid.Loopback(plainKey{})
	tb.Cleanup(func() { l.Close() })
	x := &rawExchange{dev: l, request: ctaphid.Message{CID: 1, Command: command, Data: make([]byte, n)}}
	x.packets, _ = ctaphid.PacketCount(64, n)
	x.replies = x.packets
	open := rawExchange{dev: l, request: ctaphid.Message{CID: ctaphid.BroadcastCID, Command: ctaphid.CommandInit, Data: make([]byte, 8)}, packets: 1, replies: 1}
	open.run(tb) // the first channel is number 1
	return x
}

// A plainKey replies what it was asked.
type plainKey struct{}

func (plainKey) CBOR(_ context.Context, _ uint64, dst, request []byte, _ func(byte)) []byte {
	return append(dst, request...)
}

func (plainKey) MSG(_ context.Context, _ uint64, dst, apdu []byte) []byte {
	return append(dst, apdu...)
}

func TestServerPingAllocatesNothing(t *testing.T) {
	for _, n := range []int{0, 57, 1024, 7609} {
		x := newRawExchange(t, ctaphid.CommandPing, n)
		x.run(t)
		if allocs := testing.AllocsPerRun(100, func() { x.run(t) }); allocs != 0 {
			t.Errorf("a PING of %d bytes allocates %v times", n, allocs)
		}
	}
}

// The time of a request and its reply between two goroutines.
func BenchmarkServer(b *testing.B) {
	for _, command := range []ctaphid.Command{ctaphid.CommandPing, ctaphid.CommandCBOR} {
		for _, n := range []int{57, 1024, 7609} {
			b.Run(fmt.Sprintf("%v/%d", command, n), func(b *testing.B) {
				x := newRawExchange(b, command, n)
				x.run(b)
				b.SetBytes(int64(n))
				b.ReportAllocs()
				for b.Loop() {
					x.run(b)
				}
			})
		}
	}
}
