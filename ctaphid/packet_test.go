package ctaphid_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/gofido/fido/ctaphid"
)

// frames are the vectors of libfido2's fuzz/wiredata_fido2.h and frames made
// by hand after CTAP 2.3 section 11.2.4, without their padding.
var frames = []struct {
	name, frame string
	packet      ctaphid.Packet
	text        string
}{
	{"INIT request", "ffffffff86000880435640b14ed92d",
		ctaphid.Packet{CID: ctaphid.BroadcastCID, Init: true, Command: ctaphid.CommandInit, Length: 8}, "ffffffff INIT, nonce 80435640b14ed92d"},
	{"INIT reply", "ffffffff86001180435640b14ed92d002200020205020105",
		ctaphid.Packet{CID: ctaphid.BroadcastCID, Init: true, Command: ctaphid.CommandInit, Length: 17}, "ffffffff INIT, nonce 80435640b14ed92d, channel 00220002, capabilities WINK, CBOR"},
	{"PING Hello FIDO", "0022000281000a48656c6c6f204649444f",
		ctaphid.Packet{CID: 0x00220002, Init: true, Command: ctaphid.CommandPing, Length: 10}, "00220002 PING, 10 bytes"},
	{"getInfo", "0022000290000104",
		ctaphid.Packet{CID: 0x00220002, Init: true, Command: ctaphid.CommandCBOR, Length: 1}, "00220002 CBOR, 1 byte"},
	{"keepalive, waiting", "00220002bb000102",
		ctaphid.Packet{CID: 0x00220002, Init: true, Command: ctaphid.CommandKeepalive, Length: 1}, "00220002 KEEPALIVE, waiting for the user"},
	{"keepalive, processing", "00220002bb000101",
		ctaphid.Packet{CID: 0x00220002, Init: true, Command: ctaphid.CommandKeepalive, Length: 1}, "00220002 KEEPALIVE, processing"},
	{"CANCEL", "00220002910000",
		ctaphid.Packet{CID: 0x00220002, Init: true, Command: ctaphid.CommandCancel}, "00220002 CANCEL, 0 bytes"},
	{"cancelled reply", "002200029000012d",
		ctaphid.Packet{CID: 0x00220002, Init: true, Command: ctaphid.CommandCBOR, Length: 1}, "00220002 CBOR, 1 byte"},
	{"ERROR CHANNEL_BUSY", "00220002bf000106",
		ctaphid.Packet{CID: 0x00220002, Init: true, Command: ctaphid.CommandError, Length: 1}, "00220002 ERROR, CHANNEL_BUSY"},
	{"ERROR INVALID_CHANNEL on CID 0", "00000000bf00010b",
		ctaphid.Packet{CID: ctaphid.ReservedCID, Init: true, Command: ctaphid.CommandError, Length: 1}, "00000000 ERROR, INVALID_CHANNEL"},
	{"LOCK 10 s", "002200028400010a",
		ctaphid.Packet{CID: 0x00220002, Init: true, Command: ctaphid.CommandLock, Length: 1}, "00220002 LOCK, 10 s"},
	{"WINK", "00220002880000",
		ctaphid.Packet{CID: 0x00220002, Init: true, Command: ctaphid.CommandWink}, "00220002 WINK, 0 bytes"},
	{"MSG U2F VERSION", "0022000283000700030000000000",
		ctaphid.Packet{CID: 0x00220002, Init: true, Command: ctaphid.CommandMSG, Length: 7}, "00220002 MSG, 7 bytes"},
	{"vendor command", "00220002c10000",
		ctaphid.Packet{CID: 0x00220002, Init: true, Command: 0x41}, "00220002 VENDOR 0x41, 0 bytes"},
	{"claims more than fits", "0022000290ffff",
		ctaphid.Packet{CID: 0x00220002, Init: true, Command: ctaphid.CommandCBOR, Length: 65535}, "00220002 CBOR, 65535 bytes"},
	{"continuation", "0022000202afb0",
		ctaphid.Packet{CID: 0x00220002, Seq: 2}, "00220002 continuation 2"},
}

// pad decodes a frame and fills it up to 64 bytes.
func pad(t testing.TB, frame string) []byte {
	t.Helper()
	b, err := hex.DecodeString(frame)
	if err != nil {
		t.Fatal(err)
	}
	return append(b, make([]byte, 64-len(b))...)
}

func TestParsePacket(t *testing.T) {
	for _, tt := range frames {
		report := pad(t, tt.frame)
		want := tt.packet
		want.Data = report[7:]
		if !want.Init {
			want.Data = report[5:]
		}
		got, err := ctaphid.ParsePacket(report)
		if err != nil || !bytes.Equal(got.Data, want.Data) || got.String() != tt.text {
			t.Errorf("%s: %q, %v", tt.name, got, err)
		}
		got.Data, want.Data = nil, nil
		if got.CID != want.CID || got.Init != want.Init || got.Command != want.Command || got.Length != want.Length || got.Seq != want.Seq {
			t.Errorf("%s: %+v, want %+v", tt.name, got, want)
		}
	}
	for _, size := range []int{0, 1, 7, 65, 1024} {
		if _, err := ctaphid.ParsePacket(make([]byte, size)); !errors.Is(err, ctaphid.ErrReportSize) {
			t.Errorf("a report of %d bytes: %v", size, err)
		}
	}
}

func TestAppendPacketVectors(t *testing.T) {
	for _, tt := range frames {
		report := pad(t, tt.frame)
		if !tt.packet.Init || tt.packet.Length > 57 {
			continue // not a whole message
		}
		m := ctaphid.Message{CID: tt.packet.CID, Command: tt.packet.Command, Data: report[7 : 7+tt.packet.Length]}
		if got := ctaphid.AppendPacket(nil, 64, m, 0); !bytes.Equal(got, report) {
			t.Errorf("%s: %x, want %x", tt.name, got, report)
		}
	}
}

// pingReports is a PING of the 200 bytes 00 to c7.
var pingReports = []string{
	"002200028100c8000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738",
	"0022000200393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f606162636465666768696a6b6c6d6e6f70717273",
	"00220002017475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadae",
	"0022000202afb0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c700000000000000000000000000000000000000000000000000000000000000000000",
}

func TestAppendPacketLongMessage(t *testing.T) {
	data := make([]byte, 200)
	for i := range data {
		data[i] = byte(i)
	}
	m := ctaphid.Message{CID: 0x00220002, Command: ctaphid.CommandPing, Data: data}
	n, err := ctaphid.PacketCount(64, len(data))
	if err != nil || n != len(pingReports) {
		t.Fatalf("%d packets, %v", n, err)
	}
	for i, want := range pingReports {
		// What is there already is kept, what is behind it is overwritten.
		dirty := bytes.Repeat([]byte{0xee}, 100)[:2]
		if got := ctaphid.AppendPacket(dirty, 64, m, i); hex.EncodeToString(got) != "eeee"+want {
			t.Errorf("packet %d is %x", i, got)
		}
	}
}

func TestPacketCount(t *testing.T) {
	for _, tt := range []struct {
		size, n, packets int
		err              error
	}{
		{64, 0, 1, nil}, {64, 57, 1, nil}, {64, 58, 2, nil}, {64, 116, 2, nil}, {64, 117, 3, nil},
		{64, 7609, 129, nil}, {64, 7610, 0, ctaphid.ErrTooLong}, {64, 65536, 0, ctaphid.ErrTooLong}, {64, -1, 0, ctaphid.ErrTooLong},
		{32, 3481, 129, nil}, {32, 3482, 0, ctaphid.ErrTooLong},
		{16, 1417, 129, nil}, {16, 1418, 0, ctaphid.ErrTooLong},
		{8, 1, 1, nil}, {8, 2, 2, nil}, {8, 385, 129, nil}, {8, 386, 0, ctaphid.ErrTooLong},
		{7, 0, 0, ctaphid.ErrReportSize}, {65, 0, 0, ctaphid.ErrReportSize}, {0, 0, 0, ctaphid.ErrReportSize}, {-1, 0, 0, ctaphid.ErrReportSize},
	} {
		if got, err := ctaphid.PacketCount(tt.size, tt.n); got != tt.packets || err != tt.err {
			t.Errorf("%d bytes in reports of %d: %d packets, %v; want %d, %v", tt.n, tt.size, got, err, tt.packets, tt.err)
		}
	}
}

func TestInitInfo(t *testing.T) {
	reply := pad(t, frames[1].frame)[7:]
	want := ctaphid.InitInfo{
		Nonce:           [8]byte{0x80, 0x43, 0x56, 0x40, 0xb1, 0x4e, 0xd9, 0x2d},
		CID:             0x00220002,
		ProtocolVersion: 2,
		Major:           5, Minor: 2, Build: 1,
		Capabilities: ctaphid.CapabilityWink | ctaphid.CapabilityCBOR,
	}
	for n := range len(reply) {
		got, err := ctaphid.ParseInitInfo(reply[:n])
		var p *ctaphid.ProtocolError
		switch {
		case n < 17 && !errors.As(err, &p):
			t.Errorf("%d bytes: %v", n, err)
		case n >= 17 && (err != nil || got != want):
			t.Errorf("%d bytes: %+v, %v", n, got, err)
		}
	}
	if got := want.Append([]byte{1}); !bytes.Equal(got, append([]byte{1}, reply[:17]...)) {
		t.Errorf("Append gives %x", got)
	}
}

// FuzzPacketRoundTrip cuts a message into packets and joins them again.
func FuzzPacketRoundTrip(f *testing.F) {
	for _, n := range []int{0, 1, 57, 58, 7609} {
		for _, size := range []int{8, 31, 64} {
			f.Add(size, uint32(0x00220002), byte(0x10), bytes.Repeat([]byte{0xa5}, n))
		}
	}
	f.Fuzz(func(t *testing.T, size int, cid uint32, command byte, data []byte) {
		n, err := ctaphid.PacketCount(size, len(data))
		if (err == nil) != (size >= 8 && size <= 64 && len(data) <= size-7+128*(size-5)) {
			t.Fatalf("%d bytes in reports of %d: %v", len(data), size, err)
		}
		if err != nil {
			return
		}
		m := ctaphid.Message{CID: ctaphid.CID(cid), Command: ctaphid.Command(command & 0x7f), Data: data}
		var a ctaphid.Assembler
		a.Reset([]byte("kept"))
		for i := range n {
			report := ctaphid.AppendPacket(nil, size, m, i)
			p, err := ctaphid.ParsePacket(report)
			if err != nil || len(report) != size || p.CID != m.CID || p.Init != (i == 0) || !p.Init && int(p.Seq) != i-1 {
				t.Fatalf("packet %d is %+v, %v", i, p, err)
			}
			want := ctaphid.Incomplete
			if i == n-1 {
				want = ctaphid.Complete
			}
			if event := a.Push(report); event != want {
				t.Fatalf("packet %d of %d: %v", i, n, event)
			}
		}
		got := a.Message()
		if got.CID != m.CID || got.Command != m.Command || !bytes.Equal(got.Data, data) || !bytes.Equal(a.Buffer(), append([]byte("kept"), data...)) {
			t.Fatalf("%v %v %x becomes %v %v %x", m.CID, m.Command, data, got.CID, got.Command, got.Data)
		}
	})
}
