package ctaphid

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"testing"
	"time"
)

// benchSizes are the data lengths of the benchmarks: one packet, what the
// kernel's uhid takes, the longest message.
var benchSizes = [...]int{57, 1024, 7609}

const benchCID = CID(0x00220002)

// wire is the plain memory that reports are copied through.
type wire [1 + maxContinuations][MaxReportSize]byte

// exchangeOnce carries m over w with the public codec and returns what
// arrives, appended to dst.
func exchangeOnce(w *wire, m Message, a *Assembler, dst []byte) ([]byte, Event) {
	n, err := PacketCount(MaxReportSize, len(m.Data))
	if err != nil {
		return nil, Malformed
	}
	for i := range n {
		AppendPacket(w[i][:0], MaxReportSize, m, i)
	}
	a.Reset(dst)
	event := Incomplete
	for i := 0; event == Incomplete && i < n; i++ {
		event = a.Push(w[i][:])
	}
	return a.Buffer(), event
}

// BenchmarkExchange carries n bytes there and back through the public codec:
// framed, copied through an array of reports, reassembled.
func BenchmarkExchange(b *testing.B) {
	for _, n := range benchSizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var (
				w    wire
				a    Assembler
				data = pattern(n)
				key  = make([]byte, 0, n)
				host = make([]byte, 0, n)
			)
			b.ReportAllocs()
			for b.Loop() {
				request, event := exchangeOnce(&w, Message{benchCID, CommandPing, data}, &a, key)
				if event != Complete {
					b.Fatal(event)
				}
				reply, event := exchangeOnce(&w, Message{benchCID, CommandPing, request}, &a, host)
				if event != Complete || len(reply) != n {
					b.Fatal(event)
				}
			}
		})
	}
}

// floorOnce is the least straight-line work that carries data over w and makes
// every check: length, channel, init bit, command, byte count and sequence.
func floorOnce(w *wire, cid uint32, command byte, data, dst []byte) int {
	n := len(data)
	if n > MaxMessageSize {
		return -1
	}
	r := &w[0]
	binary.BigEndian.PutUint32(r[:], cid)
	r[4] = command | initBit
	r[5], r[6] = byte(n>>8), byte(n)
	k := copy(r[initHeader:], data)
	clear(r[initHeader+k:])
	last := 0
	for from := k; from < n; from += MaxReportSize - contHeader {
		r := &w[last+1]
		binary.BigEndian.PutUint32(r[:], cid)
		r[4] = byte(last)
		k := copy(r[contHeader:], data[from:])
		clear(r[contHeader+k:])
		last++
	}

	r = &w[0]
	if binary.BigEndian.Uint32(r[:]) != cid || r[4] != command|initBit {
		return -1
	}
	total := int(r[5])<<8 | int(r[6])
	if total > len(dst) {
		return -1
	}
	got := copy(dst[:total], r[initHeader:])
	for seq := 0; got < total; seq++ {
		r := &w[seq+1]
		if binary.BigEndian.Uint32(r[:]) != cid || r[4] != byte(seq) || seq >= maxContinuations {
			return -1
		}
		got += copy(dst[got:total], r[contHeader:])
	}
	return total
}

// BenchmarkExchangeFloor is the measure of [BenchmarkExchange]: fixed buffers
// and nothing but the checks.
func BenchmarkExchangeFloor(b *testing.B) {
	for _, n := range benchSizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var (
				w    wire
				data = pattern(n)
				key  [MaxMessageSize]byte
				host [MaxMessageSize]byte
			)
			b.ReportAllocs()
			for b.Loop() {
				k := floorOnce(&w, uint32(benchCID), byte(CommandPing), data, key[:])
				if k != n || floorOnce(&w, uint32(benchCID), byte(CommandPing), key[:k], host[:]) != n {
					b.Fatal("floor broken")
				}
			}
		})
	}
}

// echoDevice answers at once, in the goroutine of the host: INIT with a
// channel, anything else with the same reports. It has no deadlines because
// nothing ever waits.
type echoDevice struct {
	reports wire
	n, next int
}

func (d *echoDevice) WriteReport(p []byte) error {
	if d.next == d.n {
		d.n, d.next = 0, 0
	}
	r := &d.reports[d.n]
	copy(r[:], p)
	d.n++
	if r[4] == byte(CommandInit)|initBit {
		info := InitInfo{Nonce: [NonceSize]byte(r[initHeader:]), CID: benchCID, ProtocolVersion: 2, Capabilities: CapabilityCBOR}
		info.Append(r[:initHeader])
		r[6] = initReplySize
	}
	return nil
}

func (d *echoDevice) ReadReport(p []byte) (int, error) {
	if d.next == d.n {
		return 0, ErrGone
	}
	n := copy(p, d.reports[d.next][:])
	d.next++
	return n, nil
}

func (d *echoDevice) BeginCall(context.Context) error {
	d.n, d.next = 0, 0
	return nil
}

func (d *echoDevice) SetReadDeadline(time.Time) error { return nil }
func (d *echoDevice) ReportSizes() (in, out int)      { return MaxReportSize, MaxReportSize }
func (d *echoDevice) Close() error                    { return nil }

func benchConn(b *testing.B, ctx context.Context) {
	for _, n := range benchSizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			conn, err := Open(ctx, new(echoDevice), nil)
			if err != nil {
				b.Fatal(err)
			}
			defer conn.Close()
			data, dst := pattern(n), make([]byte, 0, n)
			b.ReportAllocs()
			for b.Loop() {
				reply, err := conn.CBOR(ctx, dst, data, nil)
				if err != nil || len(reply) != n {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkConn is the whole Conn over a device in memory that answers at
// once, with a context that cannot end.
func BenchmarkConn(b *testing.B) { benchConn(b, context.Background()) }

// BenchmarkConnCancel is the same with a context that can be cancelled.
func BenchmarkConnCancel(b *testing.B) { benchConn(b, b.Context()) }

// TestAllocations holds the allocation counts that the benchmarks show.
func TestAllocations(t *testing.T) {
	for _, n := range benchSizes {
		data, room := pattern(n), make([]byte, 0, n)
		conn, err := Open(t.Context(), new(echoDevice), nil)
		if err != nil {
			t.Fatal(err)
		}
		var (
			w wire
			a Assembler
		)
		for _, tt := range []struct {
			name string
			want float64
			run  func()
		}{
			{"codec", 0, func() { exchangeOnce(&w, Message{benchCID, CommandPing, data}, &a, room) }},
			{"Conn, reply has room", 0, func() { conn.CBOR(context.Background(), room, data, nil) }},
			{"Conn, reply has none", 1, func() { conn.CBOR(context.Background(), nil, data, nil) }},
			{"Conn, context can be cancelled", 2, func() { conn.CBOR(t.Context(), room, data, nil) }},
		} {
			if got := testing.AllocsPerRun(100, tt.run); got > tt.want {
				t.Errorf("%d bytes, %s: %v allocations, want at most %v", n, tt.name, got, tt.want)
			}
		}
		reply, err := conn.CBOR(t.Context(), room, data, nil)
		if err != nil || !bytes.Equal(reply, data) {
			t.Errorf("%d bytes: the echo is %d bytes, error %v", n, len(reply), err)
		}
		conn.Close()
	}
}

// pattern returns n bytes that differ from their neighbours in every packet.
func pattern(n int) []byte {
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(i ^ i>>8)
	}
	return data
}
